"""Tests of lines that begin with ``reporter:``. Most expectations are what a real Hadoop made of them."""

from __future__ import annotations

import pytest

from kubemr_shell.command.reporter import MAX_NAME_BYTES, MAX_STATUS_BYTES, MAX_WARNINGS, Reporter
from kubemr_shell.job.counters import MOST_OF_A_PART


def reported(*lines: bytes) -> Reporter:
    reporter = Reporter()
    for line in lines:
        reporter.take(line)
    return reporter


@pytest.mark.parametrize(
    ("text", "group", "name", "amount"),
    [
        (b"G,plain,1", "G", "plain", 1),
        (b"G,negative,-5", "G", "negative", -5),
        (b"G,plus,+7", "G", "plus", 7),
        (b"G,zero,0", "G", "zero", 0),
        (b"  G,blanks around,3  ", "G", "blanks around", 3),
        (b"G,carriage,1\r", "G", "carriage", 1),
        (b"G,comma after,1,,", "G", "comma after", 1),
        (b",,3", "", "", 3),
        (b"G,largest,9223372036854775807", "G", "largest", 9223372036854775807),
        (b"G,smallest,-9223372036854775808", "G", "smallest", -9223372036854775808),
        ("G\u00e9,na\u00efve,4".encode(), "G\u00e9", "na\u00efve", 4),
        (b"G,\xff\xfe,1", "G", "\ufffd\ufffd", 1),
    ],
)
def test_a_counter_has_three_fields(text: bytes, group: str, name: str, amount: int) -> None:
    reporter = reported(b"reporter:counter:" + text)
    assert reporter.counters == {(group, name): amount}
    assert reporter.warnings == []


@pytest.mark.parametrize(
    "line",
    [
        b"reporter:counter:G,missing",
        b"reporter:counter:G,four,1,2",
        b"reporter:counter:G,word,x",
        b"reporter:counter:G,decimal,1.5",
        b"reporter:counter:G,hexadecimal,0x10",
        b"reporter:counter:G,blank, 2",
        b"reporter:counter:G,underscore,1_0",
        "reporter:counter:G,digits,\u0661".encode(),
        b"reporter:counter:G,large,9223372036854775808",
        b"reporter:counter:G,huge," + b"9" * 4000,
        b"reporter:counter:",
        b"reporter:counter",
        b"reporter:Counter:G,case,1",
        b"reporter:other",
        b"reporter:",
    ],
)
def test_a_line_that_means_nothing_is_only_warned_about(line: bytes) -> None:
    reporter = Reporter()
    assert not reporter.take(line)
    assert reporter.counters == {}
    assert len(reporter.warnings) == 1


def test_amounts_are_added_and_wrap_at_64_bits() -> None:
    largest = b"reporter:counter:G,n,9223372036854775807"
    assert reported(largest, b"reporter:counter:G,n,-7").counters == {("G", "n"): 9223372036854775800}
    assert reported(largest, b"reporter:counter:G,n,1").counters == {("G", "n"): -(1 << 63)}


def test_the_last_status_stays() -> None:
    reporter = reported(b"reporter:status:first", b"reporter:status: a, b \xff ")
    assert reporter.status == "a, b \ufffd"
    assert reported(b"reporter:status:" + b"x" * 4000).status == "x" * MAX_STATUS_BYTES


def test_an_attempt_keeps_the_first_counters_by_name_and_each_of_them_is_exact() -> None:
    """A command may count in any order. A counter that was dropped once is not kept later with a part of its sum."""
    last = b"reporter:counter:G,z,1"
    names = [b"reporter:counter:G,n%05d,1" % number for number in range(MOST_OF_A_PART)]
    reporter = reported(last, *names, last, *names)
    assert reporter.counters == {("G", f"n{number:05d}"): 2 for number in range(MOST_OF_A_PART)}
    [warning] = reporter.warnings
    assert warning == (f"counter dropped: an attempt keeps {MOST_OF_A_PART} counters, the first by group and name: G,z")


def test_a_counter_with_a_name_too_long_is_dropped_by_name() -> None:
    long = b"x" * (MAX_NAME_BYTES + 1)
    reporter = reported(b"reporter:counter:G," + long + b",1", b"reporter:counter:" + long + b",n,1")
    assert reporter.counters == {}
    assert [f"over {MAX_NAME_BYTES} bytes: " in warning for warning in reporter.warnings] == [True, True]


def test_warnings_are_told_once_and_are_bounded() -> None:
    reporter = reported(*(b"reporter:%d" % (number % 1000) for number in range(2000)))
    assert len(reporter.warnings) == MAX_WARNINGS + 1
    assert reporter.warnings[-1] == "more warnings were left out"
