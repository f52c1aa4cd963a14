"""What the operator might see of a job, for tests of what it decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubemr_shell.job.kinds import API_VERSION, JOB_KIND
from kubemr_shell.kube.marks import RETRY_LABEL
from kubemr_shell.kube.resources import Resource
from kubemr_shell.operator.actions import Create, Delete, Patch, Tell
from kubemr_shell.operator.deletion import FINALIZER
from kubemr_shell.operator.kept import kept_of_batch, kept_of_job, kept_of_pod
from kubemr_shell.operator.observation import Observation
from kubemr_shell.operator.options import OperatorOptions

NOW = 1_800_000_000.0
STAMP = "2027-01-15T08:00:00Z"
OPTIONS = OperatorOptions()
KEPT = {
    "batch": kept_of_batch,
    "cleanup": kept_of_batch,
    "others": kept_of_batch,
    "pods": kept_of_pod,
    "cleanup_pods": kept_of_pod,
}
SPEC: dict[str, Any] = {"inputs": ["s3://source/words"], "mapCommand": "cat", "output": "s3://results/words"}


def job(status: Mapping[str, Any] | None, *, deleted: bool = False, **spec: Any) -> dict[str, Any]:
    metadata = {
        "name": "words",
        "namespace": "here",
        "uid": "new",
        "generation": 2,
        "resourceVersion": "7",
        "finalizers": [FINALIZER],
        **({"deletionTimestamp": STAMP} if deleted else {}),
    }
    stated = {} if status is None else {"status": {"observedGeneration": metadata["generation"], **status}}
    return {"apiVersion": API_VERSION, "kind": JOB_KIND, "metadata": metadata, "spec": {**SPEC, **spec}, **stated}


def batch(
    uid: str = "new", *conditions: str, name: str = "words", retry: int = 0, made: str = STAMP, image: str = "own"
) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "uid": f"{name} of {uid}",
            "resourceVersion": "11",
            "creationTimestamp": made,
            "labels": {RETRY_LABEL: str(retry)},
            "ownerReferences": [{"uid": uid}],
        },
        "spec": {
            "parallelism": 1,
            "template": {"spec": {"containers": [{"name": "worker", "image": image}]}},
        },
        "status": {"conditions": [{"type": one, "status": "True"} for one in conditions]},
    }


def pod(
    name: str, phase: str, finished: str = "", *, waits: str = "", of: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """``waits``: the kubelet's word for why its container does not start; ``of``: the batch Job that made it."""
    states: list[dict[str, Any]] = (
        [{"state": {"terminated": {"exitCode": 1, "finishedAt": finished}}}] if finished else []
    )
    states += [{"image": "image", "state": {"waiting": {"reason": waits, "message": "so it is"}}}] if waits else []
    owners = [{"uid": of["metadata"]["uid"]}] if of else []
    return {
        "metadata": {"name": name, "ownerReferences": owners},
        "status": {"phase": phase, "containerStatuses": states},
    }


def seen(document: Mapping[str, Any], **known: Any) -> Observation:
    """As the operator sees them: of each object only what it keeps in memory."""
    for name, kept in KEPT.items():
        if isinstance(known.get(name), list):
            known[name] = [kept(one) for one in known[name]]
        elif known.get(name):
            known[name] = kept(known[name])
    return Observation(**{"job": kept_of_job(document), "batch": None, "cleanup": None, "now": NOW, **known})


def patch_of_status(actions: Any) -> list[dict[str, Any]]:
    return [dict(one) for one in next(one for one in actions if isinstance(one, Patch) and one.status).operations]


def made(actions: Any, resource: Resource) -> list[Mapping[str, Any]]:
    """The objects of a kind that are to be created."""
    return [one.document for one in actions if isinstance(one, Create) and one.resource is resource]


def deleted(actions: Any) -> list[str]:
    """The names of the objects that are to be removed."""
    return [one.name for one in actions if isinstance(one, Delete)]


def told(actions: Any) -> list[Tell]:
    return [one for one in actions if isinstance(one, Tell)]
