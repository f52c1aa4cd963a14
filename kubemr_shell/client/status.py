"""Formats the status of one job, for people and for programs. Pure."""

from __future__ import annotations

from typing import Any

from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.progress import Progress
from kubemr_shell.board.stores.documents import Document
from kubemr_shell.client.ending import failure_screen, result_lines
from kubemr_shell.client.following import NO_OPERATOR, SILENT_SECONDS, is_processed
from kubemr_shell.client.hindrance import condition_text, hindrance_of, way_out
from kubemr_shell.client.table import row_of
from kubemr_shell.client.times import seconds_since
from kubemr_shell.job.state import ENDED, JobState, Phase
from kubemr_shell.kube.status import Condition, status_of
from kubemr_shell.screens.figures import bytes_text, count_text, seconds_text
from kubemr_shell.screens.progress import Snapshot, progress_text
from kubemr_shell.screens.summary import HEAVY_SHARE, printable

SKEW = 3
"""The factor above the mean input of its phase from which the largest task is named."""


def status_lines(document: Document, progress: Progress, *, now: float, flags: str) -> list[str]:
    """Return the status and the progress of a job as lines. ``flags`` are those that reach the cluster."""
    metadata, view = document["metadata"], progress.view
    row = row_of(document, now=now)
    lines = [
        _line("job", f"{metadata['name']}, in the namespace {metadata['namespace']}"),
        _line("state", f"{row['state']}{_times(document, view, now)}"),
    ]
    if not is_processed(document):
        age = seconds_since(metadata.get("creationTimestamp"), now) or 0.0
        return [*lines, _line("", NO_OPERATOR)] if age >= SILENT_SECONDS else lines
    if view.state not in ENDED:
        lines += _phases(progress, now)
        if hindrance := hindrance_of(document):
            lines.append(_line("hindrance", hindrance))
            lines.append(_line("", way_out(document, flags)))
        lines += _skew(view)
    if view.retry:
        lines.append(_line("retried", f"{count_text(view.retry)} {'time' if view.retry == 1 else 'times'}"))
    if refused := condition_text(document, Condition.RETRY_REFUSED):
        lines.append(_line("not retried", refused))
    if ignored := condition_text(document, Condition.NOT_APPLIED):
        lines.append(_line("no effect", ignored))
    if view.state is JobState.FAIL:
        lines += ["", *failure_screen(metadata["name"], view.failure or {}, flags)]
    elif view.state is JobState.COMPLETE:
        first, *more = result_lines(view)
        lines += [_line("results", first), *more]
        lines.append(f"  to read them:  kubemr-shell results {metadata['name']}{flags}")
    elif view.state is JobState.CANCELLED:
        lines.append(f"  to continue it:  kubemr-shell retry {metadata['name']}{flags}")
    return lines


def as_json(document: Document, progress: Progress, *, now: float) -> dict[str, Any]:
    """Return the status and the progress of a job as JSON, for programs."""
    view = progress.view
    snapshot = snapshot_of(progress)
    return {
        **row_of(document, now=now),
        "phase": view.phase.value if view.phase else None,
        "tasksDone": snapshot.tasks_done,
        "tasks": snapshot.tasks,
        "repeated": progress.retries,
        "failure": view.failure,
        "results": view.results,
        "counters": {phase.value: kept.counters for phase, kept in view.kept_counters.items()},
        "countersDroppedFrom": {
            phase.value: list(kept.dropped_from) for phase, kept in view.kept_counters.items() if kept.dropped_from
        },
        "totals": {phase.value: totals for phase, totals in view.totals.items()},
        "conditions": status_of(document).get("conditions") or [],
    }


def snapshot_of(progress: Progress) -> Snapshot:
    """Return the progress of a job, without bytes: they are counted only when a shard is closed, too seldom to show."""
    view = progress.view
    if view.phase is None:
        return Snapshot(phase="plan" if view.planner else "deploy")
    return Snapshot(
        phase=view.phase.value,
        tasks_done=progress.tasks_done,
        tasks=view.layout(view.phase).tasks,
        retries=progress.retries,
    )


def _times(document: Document, view: JobView, now: float) -> str:
    began, ended = (seconds_since(status_of(document).get(name), now) for name in ("startTime", "completionTime"))
    if began is None:
        return ""
    if view.state in ENDED and ended is not None:
        return f", after {seconds_text(began - ended)}; {seconds_text(ended)} ago"
    return f", for {seconds_text(began)}"


def _phases(progress: Progress, now: float) -> list[str]:
    view = progress.view
    if view.plan is None or view.phase is None:
        snapshot = snapshot_of(progress)
        return [_line(snapshot.phase, progress_text(snapshot, 0.0))]
    lines = []
    for phase in view.plan.phases:
        if phase is view.phase:
            snapshot = snapshot_of(progress)
            passed = seconds_since(progress.since, now)
            rate = snapshot.tasks_done / passed if passed else 0.0
            lines.append(_line(phase.value, progress_text(snapshot, rate)))
        elif phase is not Phase.PUBLISH:
            tasks = view.layout(phase).tasks
            lines.append(_line(phase.value, f"{count_text(view.closed_tasks(phase))}/{count_text(tasks)} tasks"))
    return lines


def _skew(view: JobView) -> list[str]:
    """Return lines on the closed shards: the slowest task, a task that reads far more than others, a heavy key."""
    lines = []
    for phase, totals in view.totals.items():
        if phase is Phase.PUBLISH or "slowest" not in totals:
            continue
        slowest, largest, heaviest = totals["slowest"], totals["largest"], totals["heaviest"]
        lines.append(_line("slowest", f"{slowest['task']}, {seconds_text(slowest['seconds'])}"))
        mean = totals["bytesIn"] / max(1, totals["tasks"])
        if largest["bytes"] > SKEW * mean:
            lines.append(
                _line("largest", f"{largest['task']}, {bytes_text(largest['bytes'])}; the mean is {bytes_text(mean)}")
            )
        if phase is Phase.REDUCE and heaviest["records"] > HEAVY_SHARE * totals["recordsIn"]:
            lines.append(
                _line("heaviest", f"key {printable(heaviest['key'])}, {count_text(heaviest['records'])} records")
            )
    return lines


def _line(title: str, text: str) -> str:
    return f"{title:<11} {text}"
