"""What the operator does about workers that are there: how many, suspended or not, and pods that do not end. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kubemr_shell.board.documents import Operation
from kubemr_shell.board.json_patch import add, test
from kubemr_shell.kube.marks import REPLICAS_ANNOTATION
from kubemr_shell.kube.resources import BATCH_JOBS, PODS
from kubemr_shell.kube.status import Object, status_of
from kubemr_shell.operator import manifests
from kubemr_shell.operator.actions import Action, Patch, unchanged
from kubemr_shell.operator.hindrance import is_overdue
from kubemr_shell.operator.observation import Observation
from kubemr_shell.operator.pods import is_held_by_others

END_SECONDS = 1
"""The active deadline of a pod that is to end: the least that Kubernetes takes."""


def end_held_pods(pods: Sequence[Object]) -> list[Action]:
    """Return the patches that end pods in which a sidecar has outlived a worker that failed.

    Only when such a pod has ended does its batch Job make another one. A pod beyond its active deadline is ended by the
    kubelet, and stays there with its logs and exit codes, which a deleted pod does not.
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
    """Return for how long the workers may have worked: since their batch Job was let go last, as Kubernetes counts it.

    It is 0 before there is a batch Job, and while a queue or ``spec.suspend`` holds it back.
    """
    if seen.batch is None or seen.batch["spec"].get("suspend"):
        return 0.0
    return seen.since(status_of(seen.batch).get("startTime"))


def wanted_pods(seen: Observation) -> int:
    """Return how many pods the batch Job is to have.

    A pod of a lost node counts for nothing: its batch Job replaces it only when the node is back or deleted. So the
    batch Job gets one pod more for each of them. One that a queue has admitted keeps the size that was admitted.
    """
    asked = _made_for(seen) if seen.spec.s3.max_requests_per_second else seen.spec.replicas or 1
    if _is_queued(seen):
        return asked
    return asked + sum(is_overdue(pod, now=seen.now) for pod in seen.present_pods)


def changed_workers(seen: Observation) -> list[Action]:
    """Return the patch of a batch Job that is not as the spec wants it.

    Nothing is done to a batch Job that has changed since it was seen: a queue may have taken it. With the label of a
    queue, the queue decides whether the workers are suspended.
    """
    assert seen.batch is not None
    spec, changes = seen.batch["spec"], list[Operation]()
    if not _is_queued(seen) and bool(spec.get("suspend")) != seen.spec.suspend:
        changes.append(add("/spec/suspend", seen.spec.suspend))
    count = wanted_pods(seen)
    if spec["completions"] != count:
        # Kubernetes lets both change while they stay equal; pods of the highest indexes are removed first.
        changes += [add("/spec/completions", count), add("/spec/parallelism", count)]
    if not changes:
        return []
    operations = [*unchanged(seen.batch), *changes]
    return [Patch(resource=BATCH_JOBS, name=seen.batch["metadata"]["name"], operations=operations)]


def _made_for(seen: Observation) -> int:
    """Return the number of pods among which the requests of the job were divided. Each keeps its share to its end."""
    assert seen.batch is not None
    noted = (seen.batch["metadata"].get("annotations") or {}).get(REPLICAS_ANNOTATION)
    return int(noted) if noted else seen.spec.replicas or 1


def _is_queued(seen: Observation) -> bool:
    assert seen.batch is not None
    return manifests.QUEUE_LABEL in (seen.batch["metadata"].get("labels") or {})


def _deadline(pod: Object) -> int | None:
    found: int | None = (pod.get("spec") or {}).get("activeDeadlineSeconds")
    return found
