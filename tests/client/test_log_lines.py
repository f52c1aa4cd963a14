"""Tests of log lines that arrive in pieces, over connections that are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.client.log_lines import LONGEST_BYTES, LogLines

LOG = [(f"2026-11-24T14:00:{second:02}.{nano:09}Z", f"line {second}.{nano}") for second in range(9) for nano in (1, 2)]


def text_of(log: list[tuple[str, str]]) -> bytes:
    return "".join(f"{stamp} {line}\n" for stamp, line in log).encode()


@given(cuts=st.lists(st.integers(0, len(text_of(LOG))), max_size=5))
def test_each_line_comes_once_however_often_the_connection_is_cut(cuts: list[int]) -> None:
    lines, found = LogLines(), list[bytes]()
    for cut in [*sorted(cuts), None]:
        lines.begin()
        since = lines.since or ""
        log = text_of([(stamp, line) for stamp, line in LOG if stamp[:19] >= since[:19]])
        missing = len(text_of(LOG)) - len(log)
        found += lines.take(log if cut is None else log[: max(0, cut - missing)])
    assert [line.decode() for line in found] == [line for _, line in LOG]


def test_a_last_line_needs_no_end() -> None:
    lines = LogLines()
    assert list(lines.take(b"2026-11-24T14:00:00.000000001Z one")) == []
    assert list(lines.end()) == [b"one"]
    assert list(lines.end()) == []


def test_a_line_that_is_very_long_becomes_several() -> None:
    lines = LogLines()
    long = b"x" * (LONGEST_BYTES + 10)
    found = [*lines.take(b"2026-11-24T14:00:00.000000001Z " + long), *lines.take(b"yy\n")]
    assert b"".join(found) == long + b"yy"
    assert len(found) == 2


def test_one_task_is_not_another_whose_number_begins_alike() -> None:
    stamped = b"".join(b"2026-11-24T14:00:00.%09dZ map/%d.0: x\n" % (task, task) for task in (1, 17, 171))
    assert list(LogLines("map/17").take(stamped)) == [b"map/17.0: x"]
