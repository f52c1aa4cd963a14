"""Tests of the logs of an operator and of the pods of its jobs, as text and as JSON."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace

import pytest

from kubemr_shell.command.json_lines import JsonLines
from kubemr_shell.errors import KubemrError
from kubemr_shell.operator import manifests
from kubemr_shell.operator.install import InstallOptions, operator_arguments
from kubemr_shell.operator.log import OperatorLog
from kubemr_shell.operator.options import OperatorOptions
from tests.operator.observed import OPTIONS, job, seen

KUBEMR = [sys.executable, "-m", "kubemr_shell"]


def test_a_message_names_the_job_that_it_is_about() -> None:
    stream = io.StringIO()
    OperatorLog(stream, JsonLines(lambda: 0.0, component="operator")).error(KubemrError("refused"), ("here", "words"))
    OperatorLog(stream).error(KubemrError("refused"), ("here", "words"))
    entry, text = stream.getvalue().splitlines()
    assert json.loads(entry) == {
        "time": "1970-01-01T00:00:00.000Z",
        "level": "error",
        "component": "operator",
        "namespace": "here",
        "job": "words",
        "message": "refused",
    }
    assert text == "kubemr-shell operator: here/words: refused"


WORKER = ["worker", "--job=words", "--uid=u", "--namespace=here", "--name=w-0", "--workers=1"]


@pytest.mark.lengthy
@pytest.mark.parametrize(
    ("arguments", "component"),
    [
        (["operator", "--kubeconfig=/none", "--log-format=json"], "operator"),
        ([*WORKER, "--output=s3://b/o", "--scratch=/none", "--kubeconfig=/none", "--log-format=json"], "worker"),
        (["cleanup", "--uid=u", "--output=no-prefix", "--log-format=json"], "cleanup"),
    ],
)
def test_the_last_word_of_a_pod_is_json_too(arguments: list[str], component: str) -> None:
    done = subprocess.run([*KUBEMR, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    entry = json.loads(line)
    assert (entry["component"], entry["level"]) == (component, "error")
    assert entry["message"]
    if component == "worker":
        assert (entry["namespace"], entry["job"], entry["worker"]) == ("here", "words", "w-0")


def test_the_pods_of_jobs_write_as_their_operator_does() -> None:
    def variables(log_format: str) -> dict[str, str]:
        options = replace(OPTIONS, log_format=log_format)
        pod = manifests.workers(seen(job({"state": "MAP"})), options, "s3://results/words").document
        (container,) = pod["spec"]["template"]["spec"]["containers"]
        return {one["name"]: one.get("value", "") for one in container["env"]}

    assert variables("json")["KUBEMR_LOG_FORMAT"] == "json"
    assert "KUBEMR_LOG_FORMAT" not in variables("text")
    assert "--log-format=json" in operator_arguments(InstallOptions(operator=OperatorOptions(log_format="json")))
