"""Tests that a worker that writes nonsense into the status of its job does not disturb other jobs."""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.board.stores.json_patch import add
from kubemr_shell.errors import BoardError
from kubemr_shell.kube.resources import JOBS
from tests.support.installations import Installation, has_cleanup
from tests.support.waiting import until

HOSTILE: list[dict[str, Any]] = [
    {"retry": "many"},
    {"plan": 5, "state": "MAP"},
    {"state": "MAP", "plan": {"tasks": "x"}},
    {"observedRetry": {}},
    {"startTime": "never", "state": "COMPLETE", "completionTime": "yesterday"},
    {"lanes": {"map": 1}, "state": "REDUCE", "turn": 3},
    {"lost": 7},
    {"failure": "text", "state": "FAIL"},
    {"state": "MAP", "report": 5, "waits": 3, "retryRefused": "no"},
    {"state": "PENDING", "output": 5},
    {"state": "COMPLETE", "cleaned": True, "completionTime": 5, "workersReplaced": "many"},
]


@pytest.mark.cluster
def test_a_job_with_a_hostile_status_is_no_harm_to_others(installation: Installation) -> None:
    said = installation.start_operator("--output-root", "s3://nowhere")
    for number, status in enumerate(HOSTILE):
        name = f"hostile-{number}"
        installation.deploy(name)
        worker = installation.worker_client(name)
        operations = [add(f"/status/{field}", value) for field, value in status.items()]
        worker.patch(JOBS, installation.namespace, name, operations, status=True)
    installation.deploy("honest")
    assert "hostile-" in until(said.read_text, "the operator says whose status it does not understand")

    names = [f"hostile-{number}" for number in range(len(HOSTILE))]
    for name in names:
        installation.cluster.client.delete(JOBS, installation.namespace, name)

    def is_cared_for(name: str) -> bool:
        """Return whether a job is gone, or a cleanup of the job exists."""
        return not installation.has(JOBS, name) or has_cleanup(installation, name)

    until(lambda: all(map(is_cared_for, names)), "all can be deleted")


@pytest.mark.cluster
def test_a_state_is_one_that_there_is(installation: Installation) -> None:
    """The state is a label of the operator's metrics, so the number of its values must be bounded."""
    installation.start_operator("--output-root", "s3://nowhere")
    installation.deploy("mine")
    worker = installation.worker_client("mine")
    with pytest.raises(BoardError, match="Unsupported value"):
        worker.patch(JOBS, installation.namespace, "mine", [add("/status/state", 'A"} 1\nB')], status=True)
    until(lambda: installation.state("mine") == "DEPLOYED", "it is as it was")
