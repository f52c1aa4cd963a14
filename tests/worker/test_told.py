from dataclasses import replace

from kubemr_shell.command.process import Outcome
from kubemr_shell.worker.journal import Entry
from kubemr_shell.worker.told import STDERR_KEPT_BYTES, Told

ENTRY = Entry(task=3, attempt=1, bytes_out=7)


def outcome(status: int = 0, stderr: bytes = b"", counters: dict[tuple[str, str], int] | None = None) -> Outcome:
    return Outcome(
        exit_status=status,
        signal=None,
        seconds=1.0,
        stderr_head=stderr[:10],
        stderr_tail=stderr[10:],
        counters=counters or {},
    )


def test_an_entry_has_the_exit_status_and_the_end_of_stderr() -> None:
    told = Told()
    told.take(outcome(1, b"first line\n" + b"x" * STDERR_KEPT_BYTES + b"\xff last\n"))
    entry = told.in_entry(ENTRY)
    assert (entry.task, entry.attempt, entry.bytes_out, entry.exit_status) == (3, 1, 7, 1)
    assert entry.stderr.endswith("x\\xff last\n")
    assert "first" not in entry.stderr


def test_counters_of_combiners_are_added_and_the_rest_is_the_first_commands() -> None:
    told = Told()
    told.take(outcome(3, b"map\n", {("g", "a"): 1}))
    told.take(outcome(0, b"combine\n", {("g", "a"): 2, ("g", "b"): 5}))
    entry = told.in_entry(ENTRY)
    assert (entry.exit_status, entry.stderr, entry.counters) == (3, "map\n", {"g": {"a": 3, "b": 5}})


def test_warnings_are_counted_and_the_first_is_kept() -> None:
    told = Told()
    for warnings in ((), ("one", "two"), ("three",)):
        told.take(replace(outcome(), warnings=warnings))
    entry = told.in_entry(ENTRY)
    assert (entry.warnings, entry.warning) == (3, "one")


def test_an_attempt_without_a_command_tells_nothing() -> None:
    assert Told().in_entry(ENTRY) == ENTRY
