"""Tests that operators and workers ignore a job of another protocol version, and report that."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kubemr_shell.board.stores.json_patch import add
from kubemr_shell.job.kinds import PROTOCOL
from kubemr_shell.kube.resources import EVENTS, JOBS
from kubemr_shell.operator.log import OperatorLog
from kubemr_shell.operator.manifests import HOPELESS
from kubemr_shell.operator.operator import Operator
from tests.operator.json_server import client_of_server
from tests.operator.observed import NOW, OPTIONS, job
from tests.support.installations import Installation
from tests.support.waiting import until

OTHER = PROTOCOL + 1


def events(installation: Installation) -> list[str]:
    found = installation.cluster.client.list(EVENTS, installation.namespace)["items"]
    return [one["message"] for one in found if one["reason"] == "ProtocolMismatch"]


def test_an_operator_goes_on_though_it_cannot_tell_of_a_job_of_another_version() -> None:
    """The server of this test takes no Event. Each write of the workers of that job wakes the operator."""
    stream = io.StringIO()

    def answer(path: str) -> object:
        jobs = [job({"state": "MAP", "protocol": OTHER}), job({"state": "MAP", "protocol": OTHER})]
        jobs[1]["metadata"] = {**jobs[1]["metadata"], "name": "sentences", "uid": "another"}
        items = jobs if JOBS.plural in path else []
        return None if "watch=1" in path else {"metadata": {"resourceVersion": "5"}, "items": items}

    with client_of_server(answer) as client:
        one = Operator(client, OPTIONS, identity="test", now=lambda: NOW, log=OperatorLog(stream))
        thread = threading.Thread(target=one.run, daemon=True)
        thread.start()
        try:
            until(lambda: stream.getvalue().count("has protocol") == 2, "both are refused")
            until(one.is_alive, "all of its threads run")
        finally:
            one.stop()
            thread.join(20)
    refusals = [line for line in stream.getvalue().splitlines() if "has protocol" in line]
    assert sorted(line.split(": ")[1] for line in refusals) == ["here/sentences", "here/words"]


@pytest.mark.cluster
def test_an_operator_and_a_worker_that_do_not_fit_say_so_and_do_nothing(
    installation: Installation, tmp_path: Path
) -> None:
    said = installation.start_operator("--output-root", "s3://nowhere")
    for name in ("later", "other"):
        installation.deploy(name)
    until(lambda: installation.state("later") == "DEPLOYED", "its workers are made")
    client = installation.worker_client("later")
    client.patch(JOBS, installation.namespace, "later", [add("/status/protocol", OTHER)], status=True)
    until(lambda: events(installation), "an Event says it")
    client.patch(JOBS, installation.namespace, "later", [add("/status/turn", 7)], status=True)
    installation.cluster.client.patch(JOBS, installation.namespace, "later", {"spec": {"cancel": True}})
    installation.cluster.client.patch(JOBS, installation.namespace, "other", {"spec": {"cancel": True}})
    until(lambda: installation.state("other") == "CANCELLED", "other jobs are looked after")
    assert installation.state("later") == "DEPLOYED", "it is left alone"
    assert said.read_text().count("has protocol") == 1, "it is said once"

    place = ("--job", "later", "--uid", installation.job("later")["metadata"]["uid"])
    where = ("--namespace", installation.namespace, "--name", "later-0", "--workers", "1", "--output", "s3://none/out")
    files = ("--scratch", str(tmp_path / "scratch"), "--termination-log", str(tmp_path / "reason"))
    kubeconfig = ("--kubeconfig", installation.worker_kubeconfig("later"))
    command = [sys.executable, "-m", "kubemr_shell", "worker", *place, *where, *files, *kubeconfig]
    worker = subprocess.run(command, capture_output=True, text=True, check=False)
    assert worker.returncode in HOPELESS, "no other pod would fare better"
    assert f"job later has protocol {OTHER}" in worker.stderr
    assert "kubemr/base of the version of the operator" in (tmp_path / "reason").read_text()

    installation.cluster.client.delete(JOBS, installation.namespace, "later")
    installation.release()
    until(lambda: not installation.has(JOBS, "later"), "it can be deleted all the same")
