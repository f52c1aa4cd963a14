"""Stderr: the log, its head and tail, reporter lines in pieces of any size."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.command.stderr import HEAD_BYTES, MAX_REPORTER_LINE_BYTES, TAIL_BYTES, StderrLog
from tests.command.attempts import Attempts

COUNTER = b"reporter:counter:G,n,1\n"


def logged(path: Path, *pieces: bytes) -> StderrLog:
    log = StderrLog(str(path))
    for piece in pieces:
        log.write(piece)
    log.close()
    return log


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_reporter_lines_are_counted_and_the_rest_is_the_log(path: Path) -> None:
    log = logged(path, b"one\n" + COUNTER + b"\ntwo \xff\0\n" + COUNTER + b"three")
    assert log.reporter.counters == {("G", "n"): 2}
    assert path.read_bytes() == b"one\n\ntwo \xff\0\nthree"
    assert log.head == b"one\n\ntwo \xff\0\nthree"


def test_no_file_appears_when_there_is_nothing_to_write(path: Path) -> None:
    logged(path, COUNTER)
    assert not path.exists()


@pytest.mark.parametrize("line", [b" " + COUNTER, b"text " + COUNTER, b"Reporter:counter:G,n,1\n", b"report\n"])
def test_the_prefix_counts_only_where_a_line_begins(path: Path, line: bytes) -> None:
    log = logged(path, line)
    assert (log.reporter.counters, path.read_bytes()) == ({}, line)


def test_a_last_line_without_its_end_counts(path: Path) -> None:
    assert logged(path, COUNTER.rstrip()).reporter.counters == {("G", "n"): 1}


def test_what_might_have_become_a_reporter_line_is_log_at_the_end(path: Path) -> None:
    logged(path, b"x\nreport")
    assert path.read_bytes() == b"x\nreport"


def test_a_line_that_means_nothing_stays_in_the_log_and_is_warned_about(path: Path) -> None:
    log = logged(path, b"reporter:counter:G,n\nx")
    assert path.read_bytes().startswith(b"reporter:counter:G,n\nx\nkubemr-shell: not understood")
    assert len(log.reporter.warnings) == 1


def test_a_reporter_line_without_an_end_does_not_grow_in_memory(path: Path) -> None:
    line = b"reporter:status:" + b"x" * 10 * MAX_REPORTER_LINE_BYTES + b"\n"
    log = logged(path, *(line[place : place + 100] for place in range(0, len(line), 100)), COUNTER)
    assert path.read_bytes().startswith(line)
    assert (log.reporter.status, log.reporter.counters) == ("", {("G", "n"): 1})
    assert f"over {MAX_REPORTER_LINE_BYTES} bytes" in log.reporter.warnings[0]


def test_head_and_tail_of_a_long_log_are_kept(path: Path) -> None:
    whole = b"".join(b"line %d\n" % number for number in range(10_000))
    log = logged(path, *(whole[place : place + 777] for place in range(0, len(whole), 777)))
    assert (log.head, log.tail) == (whole[:HEAD_BYTES], whole[-TAIL_BYTES:])
    assert path.read_bytes() == whole


@given(
    lines=st.lists(st.sampled_from([COUNTER, b"reporter:bad\n", b"log\n", b"\n", b"rep", b"repo\n", b"a\0b", b"\r\n"])),
    cuts=st.lists(st.integers(1, 40), min_size=1),
)
def test_how_the_bytes_are_cut_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("stderr")
    whole = b"".join(lines)
    pieces = []
    place = 0
    for number in range(len(whole)):
        size = cuts[number % len(cuts)]
        pieces.append(whole[place : place + size])
        place += size
    expected = logged(folder / "whole", whole)
    found = logged(folder / "cut", *pieces)
    assert found.reporter.counters == expected.reporter.counters
    assert found.reporter.warnings == expected.reporter.warnings
    assert found.head == expected.head
    assert (folder / "cut").exists() == (folder / "whole").exists()
    if (folder / "cut").exists():
        assert (folder / "cut").read_bytes() == (folder / "whole").read_bytes()


def test_a_full_disk_under_the_log_is_said_and_harms_nothing(attempt: Attempts) -> None:
    attempt.log = Path("/dev/full")
    outcome = attempt("seq 100000 >&2; echo done")
    assert (outcome.exit_status, attempt.stdout) == (0, b"done\n")
    assert outcome.warnings == ("the log of stderr is incomplete: /dev/full: No space left on device",)
    assert outcome.stderr_tail.endswith(b"\n100000\n")


def test_a_missing_folder_for_the_log_is_said_and_not_made(attempt: Attempts, tmp_path: Path) -> None:
    attempt.log = tmp_path / "gone" / "log"
    outcome = attempt("echo x >&2")
    assert (outcome.exit_status, outcome.stderr_head) == (0, b"x\n")
    assert "No such file or directory" in outcome.warnings[0]
    assert not attempt.log.parent.exists()


def test_a_line_of_100_megabytes_passes_in_bounded_memory(attempt: Attempts) -> None:
    size = 100_000_000
    tracemalloc.start()
    outcome = attempt(f"head -c {size} /dev/zero >&2; echo >&2; echo reporter:counter:G,n,1 >&2")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20
    assert (outcome.exit_status, outcome.counters) == (0, {("G", "n"): 1})
    assert attempt.log.stat().st_size == size + 1


def test_a_command_that_reads_its_own_stderr_harms_only_its_log(attempt: Attempts) -> None:
    outcome = attempt("cat </dev/stderr >/dev/null & i=0; while [ $i -lt 30000 ]; do echo x; i=$((i+1)); done >&2")
    assert outcome.exit_status == 0


def test_what_was_written_just_before_the_end_is_there(attempt: Attempts) -> None:
    attempt("head -c 60000 /dev/zero | tr '\\0' x >&2; kill -9 $$")
    assert attempt.log.read_bytes() == b"x" * 60000
