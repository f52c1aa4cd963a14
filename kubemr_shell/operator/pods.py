"""The state of a job's pods: which worker runs, which has ended, and why. Pure.

The state of our own container decides, not the phase of its pod. Other containers, added by a template or the cluster,
keep a pod ``Running`` after its worker has ended. They also make a pod ``Failed`` although its worker has succeeded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kubemr_shell.kube.marks import CONTAINER
from kubemr_shell.kube.status import Object, condition, is_being_deleted, is_true, status_of
from kubemr_shell.operator.observation import Trouble

ENDED = frozenset({"Succeeded", "Failed"})
"""The phases of a pod in which no container runs, now or later."""
MESSAGE_CHARACTERS = 1000
"""The most characters that are kept of the message of a container that has ended."""
ASKED_TO_END = 128 + 15
"""The exit code of a worker after SIGTERM."""


def is_alive(pod: Object) -> bool:
    """Return whether the worker runs, and its pod is not being deleted."""
    return "running" in _own_state(pod) and not has_ended(pod) and not is_being_deleted(pod)


def has_ended(pod: Object) -> bool:
    """Return whether the worker has ended, even if other containers of its pod still run."""
    return "terminated" in _own_state(pod) or _phase(pod) in ENDED


def has_failed(pod: Object) -> bool:
    """Return whether the worker has ended without success.

    A worker that ends by SIGTERM because its pod is deleted has not failed. It has failed if the cluster needed its
    place: such a disruption is reported.
    """
    ended = _own_state(pod).get("terminated")
    if ended is None:
        return _phase(pod) == "Failed"
    is_told = is_being_deleted(pod) and ended.get("exitCode") == ASKED_TO_END and not is_true(pod, "DisruptionTarget")
    return ended.get("exitCode") != 0 and not is_told


def has_succeeded(pod: Object) -> bool:
    """Return whether the worker has ended with success."""
    return has_ended(pod) and not has_failed(pod)


def is_held_by_others(pod: Object) -> bool:
    """Return whether the worker has failed, and another container keeps its pod from ending.

    The kubelet ends restartable init containers (native sidecars) by itself.
    """
    if not has_failed(pod) or _phase(pod) in ENDED or is_being_deleted(pod):
        return False
    return any("running" in _state(one) for one in _statuses(pod, "containerStatuses") if one.get("name") != CONTAINER)


def end_of(pod: Object) -> Trouble:
    """Return why a worker has failed."""
    name = pod["metadata"]["name"]
    status = status_of(pod)
    disrupted = condition(pod, "DisruptionTarget")
    if status.get("reason") == "Evicted" or is_true(pod, "DisruptionTarget"):
        why = (disrupted or {}).get("message") or status.get("message", "")
        return Trouble(reason="Evicted", message=f"pod {name} was evicted or preempted: {why}")
    one = _guilty(pod)
    if one is None:
        why = status.get("message") or status.get("reason")
        return Trouble(reason="WorkerFailed", message=f"pod {name} failed: {why}")
    ended = _state(one)["terminated"]
    whose = "" if one.get("name") == CONTAINER else f", container {one.get('name')},"
    if ended.get("reason") == "OOMKilled":
        return Trouble(
            reason="OOMKilled",
            message=f"pod {name}{whose} used more memory than its limit: raise it in spec.template, or use fewer slots",
        )
    said = str(ended.get("message") or "").strip()[-MESSAGE_CHARACTERS:]
    return Trouble(reason="WorkerFailed", message=f"pod {name}{whose} ended with {ended.get('exitCode')}: {said}")


def lost_workers(pods: Sequence[Object]) -> list[str]:
    """Return the names of the workers that have ended, in the order of their ends."""
    return [str(pod["metadata"]["name"]) for pod in sorted(pods, key=_ended_at) if has_ended(pod)]


def last_failure(pods: Sequence[Object]) -> Trouble | None:
    """Return why the last failed worker failed; None if no worker has failed."""
    failed = [pod for pod in pods if has_failed(pod)]
    return end_of(max(failed, key=_ended_at)) if failed else None


def container_statuses(pod: Object) -> Iterator[Mapping[str, Any]]:
    """Yield the status of each container, in the order in which the kubelet starts them."""
    yield from _statuses(pod, "initContainerStatuses")
    yield from _statuses(pod, "containerStatuses")


def _guilty(pod: Object) -> Mapping[str, Any] | None:
    """Return the status of the container that ended the worker: our own, else the first container that failed."""
    own = _own(pod)
    if "terminated" in _state(own):
        return own
    failed = (one for one in container_statuses(pod) if (_state(one).get("terminated") or {}).get("exitCode"))
    return next(failed, None)


def _ended_at(pod: Object) -> str:
    times = [(_state(one).get("terminated") or {}).get("finishedAt") or "" for one in container_statuses(pod)]
    return max(times, default="")


def _phase(pod: Object) -> str:
    return str(status_of(pod).get("phase", ""))


def _own_state(pod: Object) -> Mapping[str, Any]:
    return _state(_own(pod))


def _own(pod: Object) -> Mapping[str, Any]:
    """Return the status of our container; empty before the kubelet has written one."""
    return next((one for one in _statuses(pod, "containerStatuses") if one.get("name") == CONTAINER), {})


def _state(status: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = status.get("state") or {}
    return found


def _statuses(pod: Object, field: str) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = status_of(pod).get(field) or ()
    return found
