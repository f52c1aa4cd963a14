"""The hindrances of pods: why a pod does not work, from its containers, its node and its scheduling. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kubemr_shell.kube.marks import CONTAINER
from kubemr_shell.kube.stamps import seconds_of
from kubemr_shell.kube.status import STARTING, Object, condition, is_being_deleted
from kubemr_shell.operator.observation import Trouble
from kubemr_shell.operator.pods import container_statuses, has_ended, is_alive

NO_IMAGE = "ImageCannotBePulled"
"""The reason of a hindrance: a node cannot get the image."""
NOT_STARTED = "ContainerCannotStart"
"""The reason of a hindrance: a container cannot be created or started."""
NODE_LOST = "NodeLost"
"""The reason of a hindrance: the node of a pod is not heard of."""
NOT_PULLED = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
"""The kubelet's reasons for a container without an image; https://kubernetes.io/docs/concepts/containers/images."""
PASSING = frozenset({"ContainerCreating", "PodInitializing"})
"""The kubelet's reasons for a container that waits for its turn. Every other reason is a hindrance."""
CREATION_SECONDS = 30.0
"""The seconds that a node has to prepare the volumes and the network of a pod that was scheduled to it."""
OVERDUE_SECONDS = 30.0
"""The seconds after its grace period until the node of a pod that still exists counts as lost."""


def hindrance(pod: Object, template: Mapping[str, Any], *, now: float) -> Trouble | None:
    """Return the hindrance of a pod; None if the pod works or has ended.

    ``template`` is the pod spec of its batch Job. The reason is ``STARTING`` if the pod needs only time.
    ``now`` is in seconds since 1970, by the clock of the API server.
    """
    if has_ended(pod):
        return None
    name = pod["metadata"]["name"]
    if is_being_deleted(pod):
        return _leaving(pod, now)
    if is_cut_off(pod):
        node = _node(pod)
        message = f"pod {name}: its node {node} is not ready, and may be lost: kubectl describe node {node}"
        return Trouble(reason=NODE_LOST, message=message)
    if is_alive(pod):
        return None
    return _waiting(pod) or _unscheduled(pod) or _not_created(pod, template, now) or _starting(pod)


def first_hindrance(pods: Sequence[Object], batch: Object, *, now: float) -> Trouble | None:
    """Return the first hindrance of the pods of ``batch``. Prefer a hindrance that does not pass by itself."""
    template = batch["spec"]["template"]["spec"]
    found = [one for pod in pods if (one := hindrance(pod, template, now=now)) is not None]
    return next((one for one in found if one.reason != STARTING), found[0] if found else None)


def is_overdue(pod: Object, *, now: float, since: float = OVERDUE_SECONDS) -> bool:
    """Return whether a pod still exists more than ``since`` seconds after the time at which it had to end.

    The kubelet of a lost node does not confirm the end. So the pod stays until the node is back or deleted.
    """
    if not is_being_deleted(pod) or has_ended(pod):
        return False
    return now - seconds_of(pod["metadata"]["deletionTimestamp"]) > since


def is_cut_off(pod: Object) -> bool:
    """Return whether the control plane no longer hears of the node of a pod.

    The node controller then sets the condition ``Ready`` to false, without a reason. The kubelet always gives a reason.
    """
    ready = condition(pod, "Ready")
    return ready is not None and ready["status"] == "False" and not ready.get("reason")


def _leaving(pod: Object, now: float) -> Trouble:
    name = pod["metadata"]["name"]
    if not is_overdue(pod, now=now):
        return Trouble(reason=STARTING, message=f"pod {name} is being deleted")
    node, due = _node(pod), pod["metadata"]["deletionTimestamp"]
    message = (
        f"pod {name} had to end at {due}, but its node {node} has not confirmed the end. The node may be lost: "
        f"kubectl describe node {node}"
    )
    return Trouble(reason=NODE_LOST, message=message)


def _waiting(pod: Object) -> Trouble | None:
    """Return why the first container that cannot start waits; None if every container can start."""
    for status in container_statuses(pod):
        waiting = (status.get("state") or {}).get("waiting") or {}
        reason = waiting.get("reason")
        if not reason or reason in PASSING:
            continue
        where = f"pod {pod['metadata']['name']}{_whose(status)}"
        said = waiting.get("message") or reason
        if reason in NOT_PULLED:
            return Trouble(reason=NO_IMAGE, message=f"{where}: {status.get('image', '')}: {said}")
        return Trouble(reason=NOT_STARTED, message=f"{where}: {said}")
    return None


def _unscheduled(pod: Object) -> Trouble | None:
    scheduled = condition(pod, "PodScheduled")
    if scheduled is None or scheduled["status"] != "False":
        return None
    return Trouble(
        reason=str(scheduled.get("reason", "Unschedulable")),
        message=f"pod {pod['metadata']['name']} is not scheduled: {scheduled.get('message', '')}",
    )


def _not_created(pod: Object, template: Mapping[str, Any], now: float) -> Trouble | None:
    """Return the hindrance of a pod whose node has not prepared its volumes and network in time.

    The kubelet reports a missing volume only in an Event. The container just waits with ``ContainerCreating``.
    """
    prepared = condition(pod, "PodReadyToStartContainers")
    if prepared is None or prepared["status"] == "True":
        return None
    since = prepared["lastTransitionTime"]
    if now - seconds_of(since) <= CREATION_SECONDS:
        return None
    name, needed = pod["metadata"]["name"], ", ".join(_volumes(template)) or "no volume of the template"
    return Trouble(
        reason=NOT_STARTED,
        message=(
            f"pod {name}: since {since}, its node {_node(pod)} has not prepared its volumes and its network "
            f"(it mounts {needed}). To see what is missing: kubectl describe pod {name}"
        ),
    )


def _volumes(template: Mapping[str, Any]) -> Iterator[str]:
    """Yield the kind and the name of each object that must exist before the pod can start."""
    for volume in template.get("volumes") or ():
        for kind, field, name in (
            ("Secret", "secret", "secretName"),
            ("ConfigMap", "configMap", "name"),
            ("PersistentVolumeClaim", "persistentVolumeClaim", "claimName"),
        ):
            source = volume.get(field) or {}
            if source and not source.get("optional"):
                yield f"{kind} {source.get(name)}"


def _starting(pod: Object) -> Trouble:
    name = pod["metadata"]["name"]
    running = [str(one.get("name")) for one in container_statuses(pod) if "running" in (one.get("state") or {})]
    waits = f" and waits for its container {running[-1]}" if running else ""
    return Trouble(reason=STARTING, message=f"pod {name} starts{waits}")


def _whose(status: Mapping[str, Any]) -> str:
    return "" if status.get("name", CONTAINER) == CONTAINER else f", container {status['name']}"


def _node(pod: Object) -> str:
    return str((pod.get("spec") or {}).get("nodeName", "(none)"))
