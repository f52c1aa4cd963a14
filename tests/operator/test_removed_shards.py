"""Tests that operators with only the permissions of an installation remove the shards of complete jobs."""

from __future__ import annotations

import pytest

from kubemr_shell.board.stores.documents import JOB_LABEL
from kubemr_shell.board.stores.json_patch import add
from kubemr_shell.kube.resources import JOBS, SHARDS
from tests.support.installations import Installation
from tests.support.s3_server import Bucket
from tests.support.waiting import until


@pytest.mark.cluster
def test_the_shards_of_a_complete_job_go_and_those_of_others_stay(installation: Installation, bucket: Bucket) -> None:
    bucket.put("in/words", b"b\na\nb\n")
    said = installation.start_operator("--output-root", bucket.uri)
    for name in ("words", "failed"):
        command = "cat" if name == "words" else "exit 1"
        installation.deploy(
            name, inputs=[f"{bucket.uri}/in/words"], mapCommand=command, s3={"endpoint": bucket.server.endpoint}
        )
        worker = installation.start_worker(name, f"{bucket.uri}/{name}", bucket.server.environment)
        assert worker.wait(timeout=60) == 0

    def shards(name: str) -> int:
        labels = f"{JOB_LABEL}={name}"
        return len(installation.cluster.client.list(SHARDS, installation.namespace, labels=labels)["items"])

    until(lambda: installation.job("words")["status"].get("completionTime"), "the end is noted")
    assert (installation.state("words"), installation.state("failed")) == ("COMPLETE", "FAIL")
    assert shards("words")
    for name in ("words", "failed"):
        ended_long_ago = [add("/status/completionTime", "2020-01-01T00:00:00Z")]
        installation.worker_client(name).patch(JOBS, installation.namespace, name, ended_long_ago, status=True)
    until(lambda: installation.job("words")["status"].get("shardsRemoved"), "that is noted")
    assert shards("words") == 0
    assert shards("failed"), "a retry goes on from them"
    assert said.read_text() == ""
