"""The choice of the access to map outputs: it depends on the storage of the temporaries."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kubemr_shell.shuffle.manifests import Manifests
from kubemr_shell.shuffle.map_outputs import LocalMapOutputs, MapOutputs
from kubemr_shell.storage.local import LocalStorage, path_of
from kubemr_shell.worker.job_context import JobContext


def map_outputs_of(job: JobContext, claimed: Callable[[], Iterable[int]] = tuple) -> MapOutputs:
    """Return the access to the map outputs of a job. The caller closes it.

    ``claimed``: returns the partitions that this worker reduces now or next.
    """
    workspace = job.workspace
    if isinstance(workspace.storage, LocalStorage):
        return LocalMapOutputs(Manifests(workspace.storage), path_of(workspace.map_outputs))
    from kubemr_shell.shuffle.remote_map_outputs import RemoteMapOutputs

    return RemoteMapOutputs(
        workspace.storage,
        workspace.map_outputs,
        scratch=workspace.scratch,
        memory_bytes=job.memory.share_bytes,
        size=lambda: (job.maps or 0, job.partitions),
        claimed=claimed,
    )
