"""How far a job is, for those who show its progress: read from the board and from what the workers report."""

from __future__ import annotations

from kubemr_shell.board.job_board import KIND
from kubemr_shell.board.job_view import JobView, parse_job
from kubemr_shell.board.shard import ShardState, parse_state
from kubemr_shell.board.shard_board import KIND as SHARD_KIND
from kubemr_shell.board.sqlite import SqliteStore
from kubemr_shell.errors import KubemrError
from kubemr_shell.job import names
from kubemr_shell.job.state import Phase
from kubemr_shell.local_run.job_folder import JOB_NAME, JobFolder
from kubemr_shell.local_run.progress import Snapshot
from kubemr_shell.worker.meter import read_meters


class Observer:
    """Reads with a connection of its own; opened by the thread that first asks."""

    def __init__(self, job: JobFolder) -> None:
        self._job = job
        self._store: SqliteStore | None = None

    def snapshot(self) -> Snapshot | None:
        """None while there is nothing to tell."""
        try:
            self._store = self._store or SqliteStore(self._job.board, create=False)
            view = parse_job(self._store.get(KIND, JOB_NAME))
        except KubemrError:
            return None
        if view.phase is None or view.plan is None:
            return Snapshot(phase="plan")
        open_shards = self._open_shards(view, view.phase)
        meters = read_meters([self._job.worker_file(worker, "progress") for worker in self._job.workers()])
        return Snapshot(
            phase=view.phase.value,
            tasks_done=view.closed_tasks(view.phase) + sum(len(shard.done) for shard in open_shards),
            tasks=view.layout(view.phase).tasks,
            bytes_done=meters.bytes_done(view.phase),
            bytes_total=_bytes_total(view, view.phase),
            retries=_retries(view, view.phase, open_shards),
            status=meters.status,
        )

    def close(self) -> None:
        if self._store is not None:
            self._store.close()

    def _open_shards(self, view: JobView, phase: Phase) -> list[ShardState]:
        assert self._store is not None
        shards = {document["metadata"]["name"]: document for document in self._store.list(SHARD_KIND, job=JOB_NAME)}
        still_open = (shard for shard in range(view.layout(phase).shards) if shard not in view.closed_shards(phase))
        found = (names.shard_name(JOB_NAME, phase, view.base(phase), shard) for shard in still_open)
        return [parse_state(shards[name]) for name in found if name in shards]


def _retries(view: JobView, phase: Phase, open_shards: list[ShardState]) -> int:
    """Attempts that failed or were lost with their worker."""
    closed = int(view.totals.get(phase, {}).get("retries", 0))
    return closed + sum(sum(shard.fails.values()) + sum(shard.lost.values()) for shard in open_shards)


def _bytes_total(view: JobView, phase: Phase) -> int:
    """Map tasks read the inputs, reduce tasks what the map tasks wrote."""
    if phase is Phase.MAP and view.plan is not None:
        return view.plan.input_bytes
    if phase is Phase.REDUCE:
        return int(view.totals.get(Phase.MAP, {}).get("bytesOut", 0))
    return 0
