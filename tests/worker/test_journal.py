import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.errors import CorruptRun
from kubemr_shell.worker.journal import Entry, decode_batch, encode_batch

NUMBERS = st.integers(0, 2**63)
ENTRIES = st.builds(
    Entry,
    task=NUMBERS,
    attempt=NUMBERS,
    seconds=st.floats(0, 1e6),
    records_in=NUMBERS,
    bytes_in=NUMBERS,
    records_out=NUMBERS,
    bytes_out=NUMBERS,
    exit_status=st.none() | st.integers(0, 255),
    stderr=st.text(),
    warnings=NUMBERS,
    warning=st.text(),
    counters=st.dictionaries(st.text(), st.dictionaries(st.text(), st.integers())),
    ranges=st.lists(st.tuples(NUMBERS, NUMBERS)).map(tuple),
    crc32=NUMBERS,
    heaviest_key=st.binary().map(lambda key: key.decode("latin-1")),
    heaviest_records=NUMBERS,
)


@given(st.lists(ENTRIES))
def test_what_is_encoded_is_decoded(entries: list[Entry]) -> None:
    assert decode_batch(encode_batch(entries), "b") == entries


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'[{"task":1}]', b'[{"task":1,"attempt":0,"other":2}]', b"\xff"])
def test_anything_else_is_refused_with_the_name_of_the_batch(data: bytes) -> None:
    if data == b"{}":
        assert decode_batch(data, "b") == []
        return
    with pytest.raises(CorruptRun, match=r"^b: "):
        decode_batch(data, "b")
