"""Helm, as a user calls it, without a cluster."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from release.chart import OLDEST_KUBERNETES
from tests.support.skips import skip

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "kubemr"
KUBERNETES = ("--kube-version", OLDEST_KUBERNETES)
"""The options with the oldest version of Kubernetes. A helm from ``go install`` would assume version 1.20."""

Documents = dict[tuple[str, str], dict[str, Any]]


def helm_program() -> str:
    """Return the path of helm: the program that ``make helm`` built, or any other. Skip the test without one."""
    beside = Path(sys.executable).with_name("helm")
    found = str(beside) if beside.exists() else shutil.which("helm")
    if found is None:
        skip("no helm", why="it is neither in the environment nor on PATH", command="make helm (it needs Go)")
    return found


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run helm and return the process when it has ended."""
    return subprocess.run([helm_program(), *arguments], capture_output=True, text=True, check=False)


def render(values: Mapping[str, Any], folder: Path, *arguments: str, namespace: str = "ops") -> str:
    """Return the text of the release ``mine`` in a namespace, rendered with these values."""
    done = attempt(values, folder, *arguments, namespace=namespace)
    assert done.returncode == 0, done.stderr
    return done.stdout


def attempt(
    values: Mapping[str, Any], folder: Path, *arguments: str, namespace: str = "ops"
) -> subprocess.CompletedProcess[str]:
    """Render the chart, and return the process, which may have failed."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(dict(values)))
    place = ("-n", namespace, *KUBERNETES)
    return helm("template", "mine", str(CHART), *place, "-f", str(file), *arguments)


def by_name(documents: list[dict[str, Any]]) -> Documents:
    """Return the documents by their kind and name."""
    found = {(one["kind"], one["metadata"]["name"]): one for one in documents}
    assert len(found) == len(documents)
    return found
