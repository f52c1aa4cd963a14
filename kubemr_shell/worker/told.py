"""The counters, warnings and stderr of the commands of one attempt, for the journal."""

from __future__ import annotations

from dataclasses import replace

from kubemr_shell.command.process import Outcome
from kubemr_shell.job.counters import Counters, summed_counters
from kubemr_shell.worker.journal import Entry

STDERR_KEPT_BYTES = 400
"""The bytes of stderr that the entry of an attempt keeps. They are few, as a job may have a million attempts."""


class Told:
    """The sum of the outcomes of an attempt's command and of the combiners after it."""

    def __init__(self) -> None:
        self._counters: Counters = {}
        self._first: Outcome | None = None
        self._warnings = 0
        self._warning = ""

    def take(self, outcome: Outcome) -> None:
        """Add the outcome of a command."""
        self._first = self._first or outcome
        self._counters = summed_counters((self._counters, counters_of(outcome)))
        self._warnings += len(outcome.warnings)
        if outcome.warnings and not self._warning:
            self._warning = outcome.warnings[0]

    def in_entry(self, entry: Entry) -> Entry:
        """Return the entry with the counters and warnings of all commands, and exit status and stderr of the first."""
        if self._first is None:
            return entry
        stderr = (self._first.stderr_head + self._first.stderr_tail)[-STDERR_KEPT_BYTES:]
        return replace(
            entry,
            exit_status=self._first.exit_status,
            stderr=stderr.decode("utf-8", "backslashreplace"),
            counters=self._counters,
            warnings=self._warnings,
            warning=self._warning,
        )


def counters_of(outcome: Outcome) -> Counters:
    """Return the counters of a command, from its ``reporter:counter:`` lines."""
    counters: dict[str, dict[str, int]] = {}
    for (group, name), amount in outcome.counters.items():
        counters.setdefault(group, {})[name] = amount
    return counters
