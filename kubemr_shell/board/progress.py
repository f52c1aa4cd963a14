"""The progress of a job, for observers that do not work on the job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from kubemr_shell.board.job_state import JobView, parse_job
from kubemr_shell.board.shard_state import ShardState, parse_state
from kubemr_shell.board.stores.documents import Document, DocumentStore
from kubemr_shell.job.kinds import JOB_KIND, SHARD_KIND
from kubemr_shell.job.names import shard_name
from kubemr_shell.job.state import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The state of a job, and the progress of its present phase."""

    view: JobView
    tasks_done: int = 0
    """The number of committed tasks of the phase."""
    retries: int = 0
    """The number of attempts of the phase that failed or were lost with their worker."""
    since: str | None = None
    """The time of the first claim in the phase, as the store stamps it; None if the store has no stamps."""
    holders: Set[str] = field(default_factory=frozenset)
    """The workers that hold claims on tasks of the phase."""


def read_progress(store: DocumentStore, job: str) -> Progress:
    """Return the progress of a job, by two reads of the store."""
    view = parse_job(store.get(JOB_KIND, job))
    shards = store.list(SHARD_KIND, job=job) if view.phase is not None and view.plan is not None else []
    return progress_of(job, view, shards)


def progress_of(job: str, view: JobView, documents: Iterable[Document]) -> Progress:
    """Return the progress of a job from its state and the documents of its shards."""
    if view.phase is None or view.plan is None:
        return Progress(view=view)
    found = {document["metadata"]["name"]: document for document in documents}
    shards = _open_shards(found, job, view, view.phase)
    return Progress(
        view=view,
        tasks_done=view.closed_tasks(view.phase) + sum(len(shard.done) for shard in shards),
        retries=int(view.totals.get(view.phase, {}).get("retries", 0))
        + sum(sum(shard.fails.values()) + sum(shard.lost.values()) for shard in shards),
        since=_begin(found, job, view, view.phase),
        holders=frozenset(claim.worker for shard in shards for claim in shard.claims.values()),
    )


def _open_shards(found: Mapping[str, Document], job: str, view: JobView, phase: Phase) -> list[ShardState]:
    still_open = (shard for shard in range(view.layout(phase).shards) if shard not in view.closed_shards(phase))
    names = (shard_name(job, phase, view.base(phase), shard) for shard in still_open)
    return [parse_state(found[name]) for name in names if name in found]


def _begin(found: Mapping[str, Document], job: str, view: JobView, phase: Phase) -> str | None:
    names = (shard_name(job, phase, view.base(phase), shard) for shard in range(view.layout(phase).shards))
    stamps = (found[name]["metadata"].get("creationTimestamp") for name in names if name in found)
    return min(filter(None, stamps), default=None)
