from typing import Any

import pytest

from kubemr_shell.screens.summary import printable, summary_lines


def manifest(heaviest: int) -> dict[str, Any]:
    totals = {
        "tasks": 2,
        "retries": 1,
        "recordsIn": 100,
        "bytesIn": 1000,
        "recordsOut": 90,
        "bytesOut": 900,
        "slowest": {"task": "reduce/1", "seconds": 2.0},
        "largest": {"task": "reduce/0", "bytes": 600},
        "heaviest": {"key": "the", "records": heaviest},
    }
    return {
        "parts": [{"name": "part-00000", "bytes": 900}],
        "totals": {"map": totals, "reduce": totals},
        "counters": {"lines": {"bad": 1234}},
    }


def test_the_summary_has_wall_records_bytes_slowest_largest_and_counters() -> None:
    text = "\n".join(summary_lines(manifest(5), 12.3, "out"))
    for words in (
        "1 part, 900 B in out, 12 s",
        "2 tasks: 100 records, 1.0 kB in; 90 records, 900 B out",
        "slowest reduce/1 2.0 s",
        "1 attempt repeated",
        "largest partition: reduce/0, 600 B",
        "lines: bad = 1,234",
    ):
        assert words in text


def test_the_decisions_of_the_planner_are_stated() -> None:
    assert "note     a\\x0ab" in summary_lines({**manifest(5), "notes": ["a\nb"]}, 1, "out")


@pytest.mark.parametrize(("records", "is_named"), [(10, False), (11, True)])
def test_a_key_with_over_a_tenth_of_the_records_is_named(records: int, is_named: bool) -> None:
    assert ("heaviest key: the, " in "\n".join(summary_lines(manifest(records), 1, "out"))) is is_named


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (b"plain", "plain"),
        ("é".encode(), "é"),
        (b"\xff\x00", "\\xff\\x00"),
        (b"", "''"),
        (b" x", "' x'"),
        (b"\x1b[31m", "\\x1b[31m"),
        (b"y" * 300, "y" * 80),
    ],
)
def test_any_key_can_be_shown_on_a_terminal(key: bytes, shown: str) -> None:
    assert printable(key.decode("latin-1")) == shown


def test_counters_that_were_dropped_are_said_in_the_last_line() -> None:
    lines = summary_lines({**manifest(5), "countersDroppedFrom": ["lines", "\x1b[31m"]}, 1, "out")
    assert lines[-2] == "counter  lines: bad = 1,234"
    assert lines[-1].startswith("counter  lines: \\x1b[31m and all that follow it")


def test_warnings_are_counted_and_one_is_quoted() -> None:
    result = manifest(5)
    warned = {"task": "map/7", "text": "not understood: \x1b[31m", "warnings": 2}
    result["totals"]["map"] = {**result["totals"]["map"], "warnings": 1234, "warned": warned}
    lines = summary_lines(result, 1, "out")
    assert "         1,234 warnings, such as map/7: not understood: \\x1b[31m" in lines


def test_s3_requests_are_told_where_there_were_some() -> None:
    requests = {"put": 1200, "get": 3, "repeated": 2}
    text = "\n".join(summary_lines({**manifest(5), "requests": requests}, 1.0, "out"))
    assert "1,200 PUT, COPY, POST and LIST, 3 GET and HEAD, 0 DELETE requests; 2 repeated" in text
    assert "throttled" not in text
    assert "s3" not in "\n".join(summary_lines({**manifest(5), "requests": {}}, 1.0, "out"))
