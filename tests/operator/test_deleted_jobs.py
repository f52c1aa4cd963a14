"""Tests that a deleted job ends soon, whatever prevents its pods from starting."""

from __future__ import annotations

import pytest

from kubemr_shell.board.stores.json_patch import add
from kubemr_shell.kube.resources import BATCH_JOBS, EVENTS, JOBS, PODS
from tests.support.installations import NEVER_PULLED, Installation
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

NOWHERE = {"spec": {"nodeSelector": {"turbobytes.com/none": "such"}}}
NO_SECRET = {"secretName": "none"}


@pytest.mark.parametrize(
    "spec",
    [{"template": NEVER_PULLED}, {"template": NOWHERE}, {"s3": NO_SECRET}],
    ids=["no image", "no node", "no secret"],
)
def test_a_job_whose_workers_never_began_goes_at_once(installation: Installation, spec: dict[str, object]) -> None:
    installation.start_operator("--output-root", "s3://nowhere")
    installation.deploy("words", **spec)
    client, namespace = installation.cluster.client, installation.namespace
    until(lambda: client.list(PODS, namespace)["items"], "its pod is there")
    client.delete(JOBS, namespace, "words")
    until(lambda: not installation.has(JOBS, "words"), "it is gone")
    assert [one["metadata"]["name"] for one in client.list(BATCH_JOBS, namespace)["items"]] in ([], ["words"])


def test_a_cleanup_that_cannot_begin_is_given_up_and_says_what_is_left(installation: Installation) -> None:
    """By the status, a planner has worked. Neither the image of the job nor that of the operator can be pulled."""
    installation.start_operator("--output-root", "s3://nowhere")
    installation.deploy("words", image="kubemr.test/own:1")
    until(lambda: installation.state("words") == "DEPLOYED", "it is deployed")
    client, namespace = installation.cluster.client, installation.namespace
    uid = installation.job("words")["metadata"]["uid"]
    installation.worker_client("words").patch(JOBS, namespace, "words", [add("/status/turn", 3)], status=True)
    client.delete(JOBS, namespace, "words")
    until(lambda: not installation.has(JOBS, "words"), "it is gone", seconds=120)

    def told() -> str:
        found = client.list(EVENTS, namespace)["items"]
        return next((str(one["message"]) for one in found if one["reason"] == "CleanupGivenUp"), "")

    message = until(told, "the event")
    assert f"s3://nowhere/{namespace}/words/_kubemr/{uid}" in message
    assert "kubemr.test/none:1" in message


def test_the_workers_before_a_retry_end_with_it(installation: Installation) -> None:
    installation.start_operator("--output-root", "s3://nowhere")
    installation.deploy("words")
    until(lambda: installation.state("words") == "DEPLOYED", "it is deployed")
    client, namespace = installation.cluster.client, installation.namespace

    def pods() -> set[str]:
        return {pod["metadata"]["labels"]["job-name"] for pod in client.list(PODS, namespace)["items"]}

    until(lambda: pods() == {"words"}, "its pod is there")
    failed = [add("/status/state", "FAIL"), add("/status/failure", {"kind": "InputNotFound", "reason": "none"})]
    client.patch(JOBS, namespace, "words", failed, status=True)
    client.patch(JOBS, namespace, "words", {"spec": {"retry": 1}})
    name = f"words-{installation.job('words')['metadata']['uid'][:8]}-r1"
    until(lambda: pods() == {name}, "it has new workers and no others")
    assert not installation.has(BATCH_JOBS, "words")
