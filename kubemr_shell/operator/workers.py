"""The decisions about existing workers: their number, their suspension, and pods that do not end. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kubemr_shell.board.stores.documents import Operation
from kubemr_shell.board.stores.json_patch import add, test
from kubemr_shell.kube.marks import REPLICAS_ANNOTATION
from kubemr_shell.kube.resources import BATCH_JOBS, PODS
from kubemr_shell.kube.status import Object, status_of
from kubemr_shell.operator import manifests
from kubemr_shell.operator.actions import Action, Patch, unchanged
from kubemr_shell.operator.hindrance import is_overdue
from kubemr_shell.operator.observation import Observation
from kubemr_shell.operator.pods import is_held_by_others

END_SECONDS = 1
"""The active deadline in seconds of a pod that should end: the least that Kubernetes accepts."""


def end_held_pods(pods: Sequence[Object]) -> list[Action]:
    """Return the patches that end pods in which a sidecar still runs after the worker has failed.

    The batch Job replaces such a pod only after the pod has ended. The patch sets an active deadline. The kubelet then
    ends the pod, and its logs and exit codes stay. If the pod were deleted, they would be lost.
    """
    held = [pod for pod in pods if is_held_by_others(pod) and _deadline(pod) != END_SECONDS]
    return [
        Patch(
            resource=PODS,
            name=pod["metadata"]["name"],
            operations=[test("/metadata/uid", pod["metadata"]["uid"]), add("/spec/activeDeadlineSeconds", END_SECONDS)],
        )
        for pod in held
    ]


def active_seconds(seen: Observation) -> float:
    """Return the seconds since the batch Job last started or resumed, as Kubernetes counts active time.

    Return 0 without a batch Job, and while a queue or ``spec.suspend`` suspends it.
    """
    if seen.batch is None or seen.batch["spec"].get("suspend"):
        return 0.0
    return seen.since(status_of(seen.batch).get("startTime"))


def wanted_pods(seen: Observation) -> int:
    """Return the number of pods that the batch Job should have.

    A pod of a lost node does no work, and the batch Job replaces it only when the node is back or deleted. So the batch
    Job gets one more pod for each of them. A batch Job with a queue keeps the size that the queue has admitted.
    """
    asked = _made_for(seen) if seen.spec.s3.max_requests_per_second else seen.spec.replicas or 1
    if _is_queued(seen):
        return asked
    return asked + sum(is_overdue(pod, now=seen.now) for pod in seen.present_pods)


def changed_workers(seen: Observation) -> list[Action]:
    """Return the patch that makes the batch Job agree with the spec; empty if it agrees.

    The patch fails if the batch Job has changed since it was seen: a queue may have admitted it. If the batch Job has
    the label of a queue, the queue decides whether the workers are suspended.
    """
    assert seen.batch is not None
    spec, changes = seen.batch["spec"], list[Operation]()
    if not _is_queued(seen) and bool(spec.get("suspend")) != seen.spec.suspend:
        changes.append(add("/spec/suspend", seen.spec.suspend))
    count = wanted_pods(seen)
    if spec["completions"] != count:
        # Kubernetes permits a change only if both stay equal. It removes the pods with the highest indexes first.
        changes += [add("/spec/completions", count), add("/spec/parallelism", count)]
    if not changes:
        return []
    operations = [*unchanged(seen.batch), *changes]
    return [Patch(resource=BATCH_JOBS, name=seen.batch["metadata"]["name"], operations=operations)]


def _made_for(seen: Observation) -> int:
    """Return the number of pods among which the limit of requests was divided. A pod keeps its share until its end."""
    assert seen.batch is not None
    noted = (seen.batch["metadata"].get("annotations") or {}).get(REPLICAS_ANNOTATION)
    return int(noted) if noted else seen.spec.replicas or 1


def _is_queued(seen: Observation) -> bool:
    assert seen.batch is not None
    return manifests.QUEUE_LABEL in (seen.batch["metadata"].get("labels") or {})


def _deadline(pod: Object) -> int | None:
    found: int | None = (pod.get("spec") or {}).get("activeDeadlineSeconds")
    return found
