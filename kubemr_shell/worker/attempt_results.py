"""The results of attempts, as the slots return them to the loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kubemr_shell.board.failure_facts import STDERR_LINES
from kubemr_shell.board.steps import Attempt
from kubemr_shell.errors import JobFailed, KubemrError, Sequel
from kubemr_shell.job.state import Phase
from kubemr_shell.worker.journal import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The result of an attempt that succeeded. Its output is written, and is not visible before the commit."""

    attempt: Attempt
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The result of an attempt that failed. ``final``: another attempt would fail too, so the job fails."""

    attempt: Attempt
    failure: Mapping[str, object]
    final: bool = False

    def while_publishing(self) -> JobFailed:
        """Return the error for a job that can no longer fail, because it publishes its results."""
        failure = self.failure
        stderr = str(failure.get("stderr") or "").splitlines()[-STDERR_LINES:]
        return JobFailed(
            "\n".join(
                [
                    f"{failure['task']}, attempt {failure['attempt']}: {failure['reason']}",
                    *(f"    | {line}" for line in stderr),
                    "  the job already publishes results: correct the cause",
                ]
            ),
            sequel=Sequel.GOES_ON,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiled:
    """The result of an attempt whose inputs, outputs of committed attempts, are missing or corrupt.

    The ``lost`` attempts have to run again. If ``lost`` is empty, another worker has already ordered this, and the task
    is only given back.
    """

    attempt: Attempt
    phase: Phase
    lost: tuple[Attempt, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """The result of an attempt that was cancelled, or that lost its claim or a folder (``cause``)."""

    attempt: Attempt
    cause: KubemrError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The result of an attempt after which this worker cannot continue: its disk is full, or the program has a bug."""

    attempt: Attempt
    error: Exception


Result = Finished | Failed | Spoiled | Dropped | Broken
"""The result of an attempt."""


class AttemptEnded(Exception):
    """An attempt did not succeed. ``result`` is its result."""

    def __init__(self, result: Result) -> None:
        self.result = result
