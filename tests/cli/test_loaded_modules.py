"""Tests of the modules that each command loads: a short command must not wait for packages that it does not use.

The rule for imports is in pyproject.toml (``banned-module-level-imports``).
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

from tests.support.s3_server import Bucket

NO_SERVER = {
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    "users": [{"name": "u", "user": {}}],
    "current-context": "x",
}
"""A kubeconfig for a server that does not exist: a command loads all that it needs before it fails to connect."""
KUBERNETES = {"certifi", "kubernetes", "ssl", "urllib3", "yaml"}
"""The packages that reading a kubeconfig loads."""


def packages_of(modules: set[str]) -> set[str]:
    """Return the packages among the modules that this project needs, and the slow ones of the standard library."""
    wanted = {re.split(r"[^A-Za-z0-9_-]", text, maxsplit=1)[0].lower() for text in requires("kubemr-shell") or ()}
    names = {name for name, homes in packages_distributions().items() if wanted & {home.lower() for home in homes}}
    return {name.partition(".")[0] for name in modules} & {*names, "botocore", "sqlite3", "ssl", "urllib3"}


def loaded(folder: Path, *arguments: str) -> set[str]:
    """Return the modules that a process of a command has loaded at its end."""
    (folder / "in").write_text("a b\n")
    (folder / "job.yaml").write_text(
        "apiVersion: turbobytes.com/v1alpha1\nkind: MapReduceJob\nmetadata: {name: j}\n"
        "spec: {mapCommand: cat, inputs: [in], output: out}\n"
    )
    (folder / "kubeconfig").write_text(json.dumps(NO_SERVER))
    command = [sys.executable, "-X", "importtime", "-m", "kubemr_shell", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE))


COMMANDS = {
    "--version": (set(), 10),
    "--help": (set(), 10),
    "completion bash": (set(), 10),
    "submit --help": (set(), 30),
    "logs --help": (set(), 30),
    "retry --help": (set(), 30),
    "worker --help": (set(), 30),
    "run --help": (set(), 30),
    "results --help": (set(), 75),
    "run -m cat in": ({"sqlite3"}, 200),
    "run -m cat -r cat -o out in": ({"sqlite3"}, 200),
    "plan -m cat in": (set(), 125),
    "validate job.yaml": ({"yaml"}, 60),
    "install": ({"yaml"}, 75),
    "status j -n n --kubeconfig kubeconfig": (KUBERNETES, 75),
    "list --kubeconfig kubeconfig": (KUBERNETES, 75),
    "worker --job j --uid u --namespace n --name w --workers 1 --output s3://b --scratch x": ({"ssl", "urllib3"}, 185),
    "operator": ({"prometheus_client", "ssl", "urllib3"}, 135),
}
"""Command lines, with the packages besides click and the most modules of this project that they load.

``worker`` and ``operator`` do not run in a pod here, so they end before they connect.
"""


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_loads_no_packages_that_it_does_not_use(tmp_path: Path, line: str) -> None:
    packages, most = COMMANDS[line]
    names = loaded(tmp_path, *line.split())
    assert packages_of(names) == {"click", *packages}
    ours = sorted(name for name in names if re.match(r"kubemr_shell\b", name))
    assert len(ours) <= most, f"import in functions what most processes do without: {' '.join(ours)}"


def test_only_a_run_with_several_workers_or_with_resume_loads_what_they_need(tmp_path: Path) -> None:
    local = "kubemr_shell.local_run"
    failing = ("run", "-m", "false", "-o", "out", "in")
    assert loaded(tmp_path, *failing) & {f"{local}.supervisor", f"{local}.resume"} == set()
    assert f"{local}.resume" in loaded(tmp_path, *failing, "--resume")
    assert f"{local}.supervisor" in loaded(tmp_path, *failing, "--overwrite", "--workers=2")


def test_a_run_with_s3_loads_botocore_and_no_client_of_kubernetes(
    tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.server.endpoint)
    names = loaded(tmp_path, "run", "-m", "cat", "-o", f"s3://{bucket.name}/out", "in")
    assert packages_of(names) == {"botocore", "certifi", "click", "sqlite3", "ssl", "urllib3"}
