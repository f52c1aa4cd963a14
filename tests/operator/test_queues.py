"""Tests of ``suspend`` and of queues: the spec decides whether the batch Job is suspended, or the queue does.

The tests patch the batch Job as the controller of Kueue does.
"""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.kube.resources import BATCH_JOBS, JOBS
from kubemr_shell.kube.status import Condition
from kubemr_shell.operator.manifests import QUEUE_LABEL
from tests.support.installations import NEVER_PULLED, Installation
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

SPEC = {"template": NEVER_PULLED, "inputs": ["s3://none/none"], "mapCommand": "cat", "output": "s3://none/out"}


def create(installation: Installation, labels: dict[str, str], **spec: Any) -> None:
    document = {"metadata": {"name": "words", "labels": labels}, "spec": {**SPEC, **spec}}
    installation.cluster.client.create(JOBS, installation.namespace, document)


def batch(installation: Installation) -> dict[str, Any]:
    return installation.cluster.client.get(BATCH_JOBS, installation.namespace, "words")


def suspended(installation: Installation) -> str:
    """Return the condition Suspended of the job."""
    return str(installation.condition("words", Condition.SUSPENDED).get("status", ""))


def suspend(installation: Installation, value: bool) -> None:
    """Suspend or resume the batch Job, as a queue does."""
    installation.cluster.client.patch(BATCH_JOBS, installation.namespace, "words", {"spec": {"suspend": value}})


def test_a_queue_alone_decides_when_the_workers_of_its_jobs_run(installation: Installation) -> None:
    installation.start_operator()
    create(installation, {QUEUE_LABEL: "team-a"})
    until(lambda: installation.has(BATCH_JOBS, "words"), "its batch Job")
    assert batch(installation)["metadata"]["labels"][QUEUE_LABEL] == "team-a"
    assert batch(installation)["spec"]["suspend"] is True, "nothing runs before it is admitted"
    until(lambda: suspended(installation) == "True", "it says that it waits")

    suspend(installation, False)
    until(lambda: suspended(installation) == "False", "it says that it runs")
    assert batch(installation)["spec"]["suspend"] is False, "the operator has looked, and let it be"

    installation.cluster.client.patch(JOBS, installation.namespace, "words", {"spec": {"suspend": False}})
    suspend(installation, True)  # it is preempted
    until(lambda: suspended(installation) == "True", "it says that it waits again")
    assert batch(installation)["spec"]["suspend"] is True


def test_without_a_queue_the_users_word_counts(installation: Installation) -> None:
    installation.start_operator()
    create(installation, {}, suspend=True)
    until(lambda: suspended(installation) == "True", "it is held back")
    assert QUEUE_LABEL not in batch(installation)["metadata"]["labels"]
    for value in (False, True):
        installation.cluster.client.patch(JOBS, installation.namespace, "words", {"spec": {"suspend": value}})
        until(lambda: bool(batch(installation)["spec"].get("suspend")) is value, f"suspend is {value}")  # noqa: B023 - waited for here
        until(lambda: suspended(installation) == str(value), "it is said")  # noqa: B023 - likewise
