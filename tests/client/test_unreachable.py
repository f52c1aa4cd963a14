"""Tests of clusters that cannot be reached or do not know jobs: the error is one line and says what to do."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml

from tests.client.kubeconfigs import kubeconfig
from tests.support.bare_server import bare_server
from tests.support.calls import call

pytestmark = pytest.mark.lengthy  # each test starts a command that loads the package of kubernetes

__all__ = ["bare_server"]

JOB = {
    "apiVersion": "turbobytes.com/v1alpha1",
    "kind": "MapReduceJob",
    "metadata": {"name": "words"},
    "spec": {"inputs": ["s3://b/in"], "mapCommand": "cat", "output": "s3://b/out"},
}
COMMANDS = [("submit", "job.yaml"), ("list",), ("status", "words"), ("logs", "words"), ("results", "words")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(JOB))
    return tmp_path


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_a_cluster_that_knows_no_jobs_is_told_from_one_without_this_job(
    folder: Path, bare_server: str, arguments: tuple[str, ...]
) -> None:
    done = call(folder, *arguments, KUBECONFIG=kubeconfig(folder, bare_server))
    assert done.returncode == 1
    said = done.stderr.decode()
    assert said.startswith(f"kubemr-shell: {bare_server}: ")
    assert said.endswith(
        ": the API server knows no such kind of object: "
        "kubectl create namespace kubemr; kubemr-shell install | kubectl apply -f - installs it; "
        "--context chooses another cluster\n"
    )


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_an_api_server_that_is_down_is_named(folder: Path, arguments: tuple[str, ...]) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{taken.getsockname()[1]}"
        done = call(folder, *arguments, KUBECONFIG=kubeconfig(folder, server))
    said = done.stderr.decode()
    assert done.returncode == 6
    assert f"no answer from the API server {server}: " in said
    assert "Connection refused; check that it runs" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_without_a_kubeconfig_it_says_how_to_name_one(folder: Path, arguments: tuple[str, ...]) -> None:
    done = call(folder, *arguments, KUBECONFIG=str(folder / "none"))
    assert done.returncode == 2
    assert b"none: there is no such file: name a kubeconfig with KUBECONFIG or --kubeconfig" in done.stderr


def test_a_context_that_is_not_there_is_named_with_those_that_are(folder: Path) -> None:
    file = kubeconfig(folder, "http://127.0.0.1:1")
    done = call(folder, "list", "--context", "nope", KUBECONFIG=file)
    assert (done.returncode, done.stderr.decode()) == (
        2,
        f"kubemr-shell: {file}: there is no context nope: it has x\n",
    )
    (folder / "kubeconfig").write_text("clusters: 7\n")
    done = call(folder, "list", KUBECONFIG=file)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert b"name a kubeconfig with KUBECONFIG or --kubeconfig" in done.stderr


def test_everything_that_is_wrong_is_said_before_a_cluster_is_asked(folder: Path) -> None:
    wrong = {**JOB, "spec": {"inputs": ["logs/*", "-"], "mapCommand": "cat", "output": "out", "files": ["x"]}}
    (folder / "job.yaml").write_text(yaml.safe_dump(wrong))
    done = call(folder, "submit", "job.yaml", KUBECONFIG=str(folder / "none"))
    assert done.returncode == 2
    said = done.stderr.decode()
    assert "job.yaml: 4 problems\n" in said
    assert [line.split(":")[0].strip() for line in said.splitlines()[1:]] == [
        *("spec.inputs[0]", "spec.inputs[1]", "spec.output", "spec.files[0]")
    ]


def test_the_namespaces_of_flag_and_yaml_have_to_agree(folder: Path) -> None:
    (folder / "job.yaml").write_text(yaml.safe_dump({**JOB, "metadata": {"name": "words", "namespace": "a"}}))
    done = call(folder, "submit", "job.yaml", "-n", "b", KUBECONFIG=str(folder / "none"))
    assert (done.returncode, b"-n b, but metadata.namespace is a" in done.stderr) == (2, True)


def test_results_of_a_folder_that_is_not_there_may_be_those_of_a_job(folder: Path) -> None:
    done = call(folder, "results", "out", KUBECONFIG=str(folder / "none"))
    assert (done.returncode, b"out: there is no such folder, and no cluster to look for a job in" in done.stderr) == (
        2,
        True,
    )
    done = call(folder, "results", "./out", KUBECONFIG=str(folder / "none"))
    assert (done.returncode, b"cluster" in done.stderr) == (2, False)
