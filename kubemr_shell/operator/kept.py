"""The part of an object that the operator keeps in memory: what decisions read, and no more. Pure.

An API server sends about 12 KB for a pod, most of it about volumes, images and who has changed which field. Whoever
decides by another field adds it here: ``tests/operator/observed.py`` passes every object through these functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubemr_shell.kube.status import Object, status_of
from kubemr_shell.operator.pods import MESSAGE_CHARACTERS

POD_FIELDS = ("phase", "reason", "message", "startTime")
POD_SPEC = ("nodeName", "activeDeadlineSeconds")
CONTAINER_LISTS = ("initContainerStatuses", "containerStatuses")
CONTAINER_FIELDS = ("name", "image", "state")
METADATA = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "labels",
    "ownerReferences",
)


def kept_of_job(job: Object) -> Object:
    """Return a job without the list of who has changed which field."""
    metadata = {name: value for name, value in job["metadata"].items() if name != "managedFields"}
    return {**job, "metadata": metadata}


def kept_of_batch(batch: Object) -> Object:
    """Return a batch Job with the names, images and volumes alone of its template."""
    template = batch["spec"]["template"]["spec"]
    images = [_picked(one, ("name", "image")) for one in template["containers"]]
    spec = {**batch["spec"], "template": {"spec": {**_picked(template, ("volumes",)), "containers": images}}}
    metadata = {**_metadata(batch), **_picked(batch["metadata"], ("annotations",))}
    return {"metadata": metadata, "spec": spec, "status": status_of(batch)}


def kept_of_pod(pod: Object) -> Object:
    """Return whose a pod is, where, and how its containers are.

    Conditions that hold and say no reason are left out.
    """
    status = status_of(pod)
    kept: dict[str, Any] = _picked(status, POD_FIELDS)
    conditions = [one for one in status.get("conditions") or () if one["status"] != "True" or "reason" in one]
    if conditions:
        kept["conditions"] = conditions
    for name in CONTAINER_LISTS:
        if status.get(name):
            kept[name] = [_kept_of_container(one) for one in status[name]]
    return {"metadata": _metadata(pod), "spec": _picked(pod.get("spec") or {}, POD_SPEC), "status": kept}


def _kept_of_container(status: Object) -> Object:
    kept = _picked(status, CONTAINER_FIELDS)
    ended = (status.get("state") or {}).get("terminated") or {}
    if ended.get("message"):
        kept["state"] = {"terminated": {**ended, "message": str(ended["message"]).strip()[-MESSAGE_CHARACTERS:]}}
    return kept


def _metadata(thing: Object) -> Mapping[str, Any]:
    return _picked(thing["metadata"], METADATA)


def _picked(mapping: Object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: mapping[name] for name in names if name in mapping}
