"""A copy of a complete job that keeps the maps, so that only the reduce tasks run again.

The old job stays unchanged, and nothing revives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubemr_shell.board.job_moves import reduce_anew
from kubemr_shell.board.job_state import format_status, parse_job
from kubemr_shell.board.stores.documents import JOB_LABEL, DocumentStore
from kubemr_shell.job.kinds import JOB_KIND, SHARD_KIND
from kubemr_shell.job.state import Phase


def copy_with_maps(
    source: DocumentStore, target: DocumentStore, *, job: str, uid: str, spec: Mapping[str, Any]
) -> None:
    """Create a job with the plan and the map shards of ``job`` on another board, in the state PENDING.

    The new job uses the splits, journals and map outputs of the old job under their names, so the caller must move
    these files to the new job. Raise IllegalTransition if the old job has no map outputs.
    """
    view = reduce_anew(parse_job(source.get(JOB_KIND, job)), spec)
    labels = {JOB_LABEL: job}
    for shard in source.list(SHARD_KIND, job=job):
        if shard["spec"]["phase"] == Phase.MAP.value:
            metadata = {"name": shard["metadata"]["name"], "labels": labels}
            target.create({**shard, "metadata": metadata, "spec": {**shard["spec"], "jobUid": uid}})
    metadata = {"name": job, "uid": uid, "labels": labels}
    target.create({"kind": JOB_KIND, "metadata": metadata, "spec": dict(spec), "status": format_status(view)})
