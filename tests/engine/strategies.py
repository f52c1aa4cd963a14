"""Streams of lines that are hard to cut, to order or to count."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.engine.model import Shape

_no_clocks = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
quick = settings(_no_clocks, derandomize=True, max_examples=60)
thorough = settings(_no_clocks, max_examples=1500)

# Few symbols, so that lines are equal, prefixes of one another, and full of separators that overlap.
_SYMBOLS = (
    b"a",
    b"aa",
    b"b",
    b"longer than a word",
    b"\t",
    b",",
    b",,",
    b"\n",
    b"\n\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"\xc3",
)

_tricky = st.lists(st.sampled_from(_SYMBOLS), max_size=60).map(b"".join)
_repeated = st.builds(lambda line, times: (line + b"\n") * times, st.binary(max_size=6), st.integers(1, 3000))
_long = st.builds(lambda byte, length: bytes((byte,)) * length, st.integers(0, 255), st.integers(100, 40_000))

stream = _tricky | st.binary(max_size=200) | _repeated | _long
streams = st.lists(stream, max_size=12)
shape = st.builds(
    Shape,
    partitions=st.sampled_from((1, 2, 3, 7, 64, 1000)),
    separator=st.sampled_from((b"\t", b",", b",,", b"aa", b"\xc3\xa9", b"\0", b"a,a")),
    key_fields=st.integers(1, 4),
)
memory_bytes = st.sampled_from((1, 1000, 100_000, 64 << 20))
