"""What comes back from a slot when it has run an attempt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kubemr_shell.board.steps import Attempt
from kubemr_shell.errors import JobFailed, KubemrError, Sequel
from kubemr_shell.job.state import Phase
from kubemr_shell.worker.journal import Entry

STDERR_LINES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The attempt has done its work; its output is in place, nobody sees it before the commit."""

    attempt: Attempt
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The command failed. ``final``: another attempt would meet the same, so the job ends."""

    attempt: Attempt
    failure: Mapping[str, object]
    final: bool = False

    def while_publishing(self) -> JobFailed:
        """The error of a run whose job cannot fail any more, as its results are being published."""
        failure = self.failure
        stderr = str(failure.get("stderr") or "").splitlines()[-STDERR_LINES:]
        return JobFailed(
            "\n".join(
                [
                    f"{failure['task']}, attempt {failure['attempt']}: {failure['reason']}",
                    *(f"    | {line}" for line in stderr),
                    "  the results are being published already: mend it",
                ]
            ),
            sequel=Sequel.GOES_ON,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiled:
    """Committed outputs that this attempt needs are missing or corrupt: they must be made again.

    Nothing is ``lost`` where others have found so already: then the task is only given back.
    """

    attempt: Attempt
    phase: Phase
    lost: tuple[Attempt, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """An attempt that was cancelled, or that lost its claim or a folder that it needs (``cause``)."""

    attempt: Attempt
    cause: KubemrError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """This worker cannot go on: its disk is full, or we have a bug."""

    attempt: Attempt
    error: Exception


Result = Finished | Failed | Spoiled | Dropped | Broken


class AttemptEnded(Exception):
    """An attempt came to an end that is not its success."""

    def __init__(self, result: Result) -> None:
        self.result = result
