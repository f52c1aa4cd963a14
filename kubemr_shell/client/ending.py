"""The messages and exit codes for the end of a job. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.stores.documents import Document
from kubemr_shell.client.views import status_errors_explained, view_of
from kubemr_shell.errors import InvalidSpec, JobCancelled, JobFailed, KubemrError
from kubemr_shell.job.state import ENDED, JobState, Phase
from kubemr_shell.screens.failure import failure_lines
from kubemr_shell.screens.figures import count_text
from kubemr_shell.screens.summary import counter_lines, phase_lines


def has_ended(document: Document) -> bool:
    """Return whether a job is complete, failed or cancelled."""
    return view_of(document).state in ENDED


def failure_of(document: Document, flags: str) -> KubemrError | None:
    """Return the error for a job that failed or was cancelled, or None.

    ``flags`` are added to the commands that the error suggests, so that they reach the same cluster (``Access.flags``).
    """
    view, name = view_of(document), document["metadata"]["name"]
    if view.state is JobState.CANCELLED:
        return JobCancelled(f"job {name} was cancelled; kubemr-shell retry {name}{flags} continues it")
    if view.state is not JobState.FAIL:
        return None
    failure = view.failure or {}
    with status_errors_explained(name):
        error: KubemrError = JobFailed("\n".join(failure_screen(name, failure, flags)))
        error.exit_code = int(failure.get("exitCode", JobFailed.exit_code))
    return error


def failure_screen(name: str, failure: Mapping[str, Any], flags: str) -> list[str]:
    """Return the screen for a failure: what failed, where, why, and what to do."""
    lines = failure_lines({"reason": "", **failure}, job=name, debug=[], resume=[])
    again, corrected = f"kubemr-shell retry {name}{flags}", f"kubemr-shell retry {name} -f JOB.yaml{flags}"
    if failure.get("kind") == InvalidSpec.__name__:
        return [*lines, f"  continue when fixed:       {corrected}"]
    task = str(failure.get("task") or "")
    if task:
        lines.append(f"  all of its stderr:         kubemr-shell logs {name} {task}{flags}")
    lines += [f"  continue when fixed:       {again}", f"  with a corrected YAML:     {corrected}"]
    if task.startswith(Phase.MAP.value):  # a retry may not change the fields on which the maps depend
        anew = f"kubemr-shell delete {name} --wait{flags} && kubemr-shell submit JOB.yaml{flags}"
        lines.append(f"  with another mapCommand:   {anew}")
    return lines


def result_lines(view: JobView) -> list[str]:
    """Return the lines for a complete job: the place of the parts, the totals of the phases, the counters."""
    results = view.results or {}
    count = int(results.get("parts", 0))
    lines = [f"{count_text(count)} {'part' if count == 1 else 'parts'} in {results.get('output', '')}"]
    for phase, totals in view.totals.items():
        if "slowest" in totals and phase is not Phase.PUBLISH:
            lines += phase_lines(phase.value, totals)
    for kept in view.kept_counters.values():
        lines += counter_lines(kept.counters, kept.dropped_from)
    return lines
