"""Observations of jobs, for tests of the operator's decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubemr_shell.job.kinds import API_VERSION, JOB_KIND
from kubemr_shell.kube.marks import RETRY_LABEL
from kubemr_shell.kube.resources import Resource
from kubemr_shell.operator.actions import Create, Delete, Patch, Tell
from kubemr_shell.operator.cached_fields import cached_batch, cached_job, cached_pod
from kubemr_shell.operator.deletion import FINALIZER
from kubemr_shell.operator.observation import Observation
from kubemr_shell.operator.options import OperatorOptions

NOW = 1_800_000_000.0
STAMP = "2027-01-15T08:00:00Z"
OPTIONS = OperatorOptions()
KEPT = {
    "batch": cached_batch,
    "cleanup": cached_batch,
    "others": cached_batch,
    "pods": cached_pod,
    "cleanup_pods": cached_pod,
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
            "completions": 1,
            "parallelism": 1,
            "template": {"spec": {"containers": [{"name": "worker", "image": image}]}},
        },
        "status": {"conditions": [{"type": one, "status": "True"} for one in conditions]},
    }


RUNS: dict[str, Any] = {"running": {}}
"""The state of a container that runs."""


def ended(code: int, finished: str = STAMP, **more: Any) -> dict[str, Any]:
    """Return the state of a container that has ended."""
    return {"terminated": {"exitCode": code, "finishedAt": finished, **more}}


def waiting(reason: str, message: str | None = "so it is") -> dict[str, Any]:
    """Return the state of a container that does not run yet, with the kubelet's reason."""
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def pod(
    name: str,
    phase: str,
    finished: str = "",
    *,
    waits: str = "",
    of: Mapping[str, Any] | None = None,
    worker: Mapping[str, Any] | None = None,
    beside: Mapping[str, Mapping[str, Any]] | None = None,
    before: Mapping[str, Mapping[str, Any]] | None = None,
    deleted: str = "",
) -> dict[str, Any]:
    """Return a pod of the batch Job ``of``.

    ``worker``, ``beside`` and ``before`` are the states of our container, of others of the template and of its init
    containers. Without ``worker`` it runs, or has ended at ``finished``, or waits for the reason ``waits``.
    ``deleted`` is the time at which the pod has to end.
    """
    if worker is None:
        worker = ended(1, finished) if finished else waiting(waits) if waits else RUNS if phase == "Running" else {}
    states = {"worker": worker} if worker else {}
    owners = [{"uid": of["metadata"]["uid"]}] if of else []
    return {
        "metadata": {
            "name": name,
            "uid": f"uid of {name}",
            "ownerReferences": owners,
            **({"deletionTimestamp": deleted} if deleted else {}),
        },
        "spec": {"nodeName": "node-7"},
        "status": {
            "phase": phase,
            "containerStatuses": _statuses({**states, **(beside or {})}),
            "initContainerStatuses": _statuses(before or {}),
        },
    }


def _statuses(states: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": name, "image": f"image-of-{name}", "state": state} for name, state in states.items()]


def seen(document: Mapping[str, Any], **known: Any) -> Observation:
    """Return an Observation. Each object has only the fields that the operator keeps in memory."""
    for name, kept in KEPT.items():
        if isinstance(known.get(name), list):
            known[name] = [kept(one) for one in known[name]]
        elif known.get(name):
            known[name] = kept(known[name])
    return Observation(**{"job": cached_job(document), "batch": None, "cleanup": None, "now": NOW, **known})


def patch_of_status(actions: Any) -> list[dict[str, Any]]:
    return [dict(one) for one in next(one for one in actions if isinstance(one, Patch) and one.status).operations]


def made(actions: Any, resource: Resource) -> list[Mapping[str, Any]]:
    """Return the objects of a kind that the actions create."""
    return [one.document for one in actions if isinstance(one, Create) and one.resource is resource]


def deleted(actions: Any) -> list[str]:
    """Return the names of the objects that the actions delete."""
    return [one.name for one in actions if isinstance(one, Delete)]


def told(actions: Any) -> list[Tell]:
    return [one for one in actions if isinstance(one, Tell)]


def conditions_of(status: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the conditions that a patch of the status writes."""
    found: list[dict[str, Any]] = next(one["value"] for one in status if one["path"] == "/status/conditions")
    return found


def conditions(actions: Any) -> dict[str, dict[str, Any]]:
    """Return the conditions that the actions write, by their types."""
    return {one["type"]: one for one in conditions_of(patch_of_status(actions))}
