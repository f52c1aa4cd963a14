"""What the pods of a job's workers tell: who is alive, who is gone, and why one does not start. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubemr_shell.kube.status import Object, condition
from kubemr_shell.operator.observation import Trouble

NO_IMAGE = "ImageCannotBePulled"
NOT_PULLED = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
NOT_CREATED = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
ENDED = frozenset({"Succeeded", "Failed"})
MESSAGE_CHARACTERS = 1000


def is_alive(pod: Object) -> bool:
    return bool(pod.get("status", {}).get("phase") == "Running")


def has_ended(pod: Object) -> bool:
    return pod.get("status", {}).get("phase") in ENDED


def has_failed(pod: Object) -> bool:
    return bool(pod.get("status", {}).get("phase") == "Failed")


def trouble(pod: Object) -> Trouble | None:
    """What keeps a pod from starting; None for one that runs, or that will soon."""
    if has_ended(pod):
        return None
    name = pod["metadata"]["name"]
    for status in _containers(pod):
        waiting = status.get("state", {}).get("waiting") or {}
        reason = waiting.get("reason")
        if reason in NOT_PULLED:
            return Trouble(reason=NO_IMAGE, message=f"pod {name}: {status['image']}: {waiting.get('message', reason)}")
        if reason in NOT_CREATED:
            return Trouble(reason="ContainerCannotStart", message=f"pod {name}: {waiting.get('message', reason)}")
    scheduled = condition(pod, "PodScheduled")
    if scheduled is not None and scheduled["status"] == "False":
        return Trouble(
            reason=str(scheduled.get("reason", "Unschedulable")),
            message=f"pod {name} is not scheduled: {scheduled.get('message', '')}",
        )
    return None


def first_trouble(pods: Sequence[Object]) -> Trouble | None:
    return next(filter(None, map(trouble, pods)), None)


def end_of(pod: Object) -> Trouble:
    """Why a pod failed."""
    name = pod["metadata"]["name"]
    status = pod.get("status", {})
    disrupted = condition(pod, "DisruptionTarget")
    if status.get("reason") == "Evicted" or (disrupted is not None and disrupted["status"] == "True"):
        why = (disrupted or {}).get("message") or status.get("message", "")
        return Trouble(reason="Evicted", message=f"pod {name} was evicted or preempted: {why}")
    for one in _containers(pod):
        ended = one.get("state", {}).get("terminated") or {}
        if ended.get("reason") == "OOMKilled":
            return Trouble(
                reason="OOMKilled",
                message=f"pod {name} used more memory than its limit: raise it in spec.template, or use fewer slots",
            )
        if ended:
            said = str(ended.get("message") or "").strip()[-MESSAGE_CHARACTERS:]
            return Trouble(reason="WorkerFailed", message=f"pod {name} ended with {ended.get('exitCode')}: {said}")
    return Trouble(reason="WorkerFailed", message=f"pod {name} failed: {status.get('message') or status.get('reason')}")


def lost_workers(pods: Sequence[Object]) -> list[str]:
    """Workers whose pods have ended, by their names: the last one at the end."""
    return [str(pod["metadata"]["name"]) for pod in sorted(pods, key=_ended_at) if has_ended(pod)]


def last_failure(pods: Sequence[Object]) -> Trouble | None:
    """Of the pod that failed last."""
    failed = [pod for pod in pods if has_failed(pod)]
    return end_of(max(failed, key=_ended_at)) if failed else None


def _ended_at(pod: Object) -> str:
    times = [(one.get("state", {}).get("terminated") or {}).get("finishedAt") or "" for one in _containers(pod)]
    return max(times, default="")


def _containers(pod: Object) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = pod.get("status", {}).get("containerStatuses") or ()
    return found
