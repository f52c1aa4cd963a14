"""Tests of connections to the API server with the files of a pod, which may change at any time."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kubemr_shell.errors import BoardUnavailable, Forbidden, UsageError
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.connection import of_pod
from kubemr_shell.kube.resources import SERVICE_ACCOUNTS
from tests.support.cluster import Cluster

NOWHERE = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"}


def files_of_pod(folder: Path, *, token: str = "t", authority: bytes = b"") -> str:
    (folder / "token").write_text(token)
    (folder / "ca.crt").write_bytes(authority)
    return str(folder)


@pytest.mark.cluster
def test_a_token_that_is_replaced_is_used_from_the_next_request_on(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    whole = json.loads(cluster.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    server = urlsplit(whole["clusters"][0]["cluster"]["server"])
    authority = base64.b64decode(whole["clusters"][0]["cluster"]["certificate-authority-data"])
    cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader"}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "reader"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}],
        },
        namespace=namespace,
    )
    token = cluster.kubectl("-n", namespace, "create", "token", "reader")
    folder = files_of_pod(tmp_path, token="an old one", authority=authority)
    environ = {"KUBERNETES_SERVICE_HOST": str(server.hostname), "KUBERNETES_SERVICE_PORT": str(server.port)}
    client = KubeClient(of_pod(environ, folder), namespace)
    with pytest.raises(Forbidden):
        client.get(SERVICE_ACCOUNTS, namespace, "reader")
    (tmp_path / "token").write_text(token)
    assert client.get(SERVICE_ACCOUNTS, namespace, "reader")["metadata"]["name"] == "reader"
    (tmp_path / "token").unlink()
    with pytest.raises(BoardUnavailable, match=r"no credentials for https://.*token"):
        client.get(SERVICE_ACCOUNTS, namespace, "reader")


@pytest.mark.parametrize(
    ("environ", "missing", "said"),
    [
        ({}, None, "KUBERNETES_SERVICE_HOST is not set"),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, None, "KUBERNETES_SERVICE_PORT is not set"),
        (NOWHERE, "token", "token"),
        (NOWHERE, "ca.crt", "ca.crt"),
    ],
)
def test_what_is_no_pod_is_told_what_is_missing(
    tmp_path: Path, environ: dict[str, str], missing: str | None, said: str
) -> None:
    folder = files_of_pod(tmp_path)
    if missing:
        (tmp_path / missing).unlink()
    with pytest.raises(UsageError, match=f"this is no pod with a service account: .*{said}"):
        of_pod(environ, folder)


def test_an_empty_token_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="token is empty"):
        of_pod(NOWHERE, files_of_pod(tmp_path, token="\n"))


def test_an_address_of_ipv6_is_put_in_brackets(tmp_path: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    assert of_pod(environ, files_of_pod(tmp_path)).server == "https://[fd00::1]:443"


def test_a_worker_of_a_pod_imports_neither_the_kubernetes_package_nor_the_operator_and_its_metrics() -> None:
    """The import of ``kubernetes`` costs each pod half a CPU second, and that of ``prometheus_client`` a tenth."""
    program = (
        "import sys\n"
        "from kubemr_shell.cli.main import exit_code\n"
        "exit_code('worker --job j --uid u --namespace n --name w --workers 1 --output s3://b/o --scratch /'.split())\n"
        "loaded = {'kubernetes', 'prometheus_client', 'kubemr_shell.operator'} & sys.modules.keys()\n"
        "sys.exit(bool(loaded) or 'kubemr_shell.pod.pod_worker' not in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env={})
    assert (done.returncode, "this is no pod" in done.stderr) == (0, True), done.stderr


@pytest.mark.parametrize("package", ["prometheus_client", "kubemr_shell.operator"])
def test_the_module_of_a_worker_of_a_pod_does_not_import(package: str) -> None:
    program = f"import sys, kubemr_shell.pod.pod_worker; sys.exit({package!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env={})
    assert done.returncode == 0, done.stderr
