"""Messages as lines of JSON, for collectors of logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.client.log_lines import LogLines
from kubemr_shell.command.echo import Echo
from kubemr_shell.command.json_lines import LONGEST_BYTES, JsonLines

LINES = JsonLines(lambda: 1_800_000_000.25, component="worker", job="words")


def entries(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def test_a_message_has_its_time_its_level_and_the_fields_of_all() -> None:
    assert json.loads(LINES.line("it\nfailed", level="error", attempt=None)) == {
        "time": "2027-01-15T08:00:00.250Z",
        "level": "error",
        "component": "worker",
        "job": "words",
        "message": "it\nfailed",
    }


def test_each_line_of_a_command_is_an_entry_with_its_attempt(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        attempt = Echo(file.fileno(), LINES.of_attempt).of("map/17.1")
        attempt.write("één\ntw".encode())
        attempt.write(b"o \xff\x01\n")
        attempt.close()
    found = entries((tmp_path / "log").read_bytes())
    assert [one["message"] for one in found] == ["één", "two \\xff\x01"]
    assert [(one["task"], one["attempt"], one["stream"]) for one in found] == [("map/17", 1, "stderr")] * 2


@given(
    text=st.text(st.characters(exclude_characters="\n\r\\", exclude_categories=["Cs"]), max_size=200),
    repeat=st.integers(1, 200),
)
def test_no_entry_is_longer_than_a_runtime_keeps_and_no_character_is_cut(text: str, repeat: int) -> None:
    line = (text * repeat).encode()[: 8 << 10]
    line = line.decode("utf-8", "ignore").encode()
    written = LINES.of_attempt("reduce/3.0")(line)
    found = entries(written)
    assert "".join(one["message"] for one in found) == line.decode()
    assert all(len(one) <= LONGEST_BYTES for one in written.splitlines(keepends=True))


def test_a_line_of_control_characters_becomes_several_entries() -> None:
    written = LINES.of_attempt("map/0.0")(b"\x01" * (8 << 10))
    assert len(entries(written)) > 1
    assert all(len(one) <= LONGEST_BYTES for one in written.splitlines(keepends=True))


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (LINES.of_attempt("map/17.1")(b"two")[:-1], b"map/17.1: two"),
        (LINES.line("it waits", level="warning").encode(), b"it waits"),
        (b'{"time": "no entry', b'{"time": "no entry'),
        (b'{"time": 5}', b'{"time": 5}'),
        (b"map/1.0: {}", b"map/1.0: {}"),
    ],
)
def test_who_reads_the_logs_of_a_job_sees_the_same_lines_in_either_format(line: bytes, shown: bytes) -> None:
    stamp = b"2026-01-01T00:00:00.000000000Z "
    assert list(LogLines().take(stamp + line + b"\n")) == [shown]


def test_the_lines_of_one_task_are_found_in_json() -> None:
    stamp = b"2026-01-01T00:00:00.00000000%dZ "
    text = b"".join(stamp % number + LINES.of_attempt(f"map/{number}.0")(b"x") for number in range(3))
    assert list(LogLines("map/1").take(text)) == [b"map/1.0: x"]
