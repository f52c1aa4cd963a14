"""The selection of the fields of an object that the operator keeps in memory: those that decisions read. Pure.

An API server sends about 12 KB for a pod, most of it about volumes, images and field managers. If a decision needs
another field, add the field here. ``tests/operator/observed.py`` passes every object through these functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubemr_shell.kube.status import Object, status_of
from kubemr_shell.operator.pods import MESSAGE_CHARACTERS

POD_FIELDS = ("phase", "reason", "message", "startTime")
"""The fields that are kept of the status of a pod, beside conditions and containers."""
POD_SPEC = ("nodeName", "activeDeadlineSeconds")
"""The fields that are kept of the spec of a pod."""
CONTAINER_LISTS = ("initContainerStatuses", "containerStatuses")
"""The fields of a pod's status that list containers."""
CONTAINER_FIELDS = ("name", "image", "state")
"""The fields that are kept of the status of a container."""
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
"""The fields that are kept of the metadata of pods and batch Jobs."""


def cached_job(job: Object) -> Object:
    """Return a job without ``managedFields``."""
    metadata = {name: value for name, value in job["metadata"].items() if name != "managedFields"}
    return {**job, "metadata": metadata}


def cached_batch(batch: Object) -> Object:
    """Return a batch Job. Of its template, only the volumes and the names and images of the containers are kept."""
    template = batch["spec"]["template"]["spec"]
    images = [_picked(one, ("name", "image")) for one in template["containers"]]
    spec = {**batch["spec"], "template": {"spec": {**_picked(template, ("volumes",)), "containers": images}}}
    metadata = {**_metadata(batch), **_picked(batch["metadata"], ("annotations",))}
    return {"metadata": metadata, "spec": spec, "status": status_of(batch)}


def cached_pod(pod: Object) -> Object:
    """Return a pod with its metadata, its node, and the state of its containers.

    Conditions that are true and have no reason are left out.
    """
    status = status_of(pod)
    kept: dict[str, Any] = _picked(status, POD_FIELDS)
    conditions = [one for one in status.get("conditions") or () if one["status"] != "True" or "reason" in one]
    if conditions:
        kept["conditions"] = conditions
    for name in CONTAINER_LISTS:
        if status.get(name):
            kept[name] = [_cached_container(one) for one in status[name]]
    return {"metadata": _metadata(pod), "spec": _picked(pod.get("spec") or {}, POD_SPEC), "status": kept}


def _cached_container(status: Object) -> Object:
    kept = _picked(status, CONTAINER_FIELDS)
    ended = (status.get("state") or {}).get("terminated") or {}
    if ended.get("message"):
        kept["state"] = {"terminated": {**ended, "message": str(ended["message"]).strip()[-MESSAGE_CHARACTERS:]}}
    return kept


def _metadata(thing: Object) -> Mapping[str, Any]:
    return _picked(thing["metadata"], METADATA)


def _picked(mapping: Object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: mapping[name] for name in names if name in mapping}
