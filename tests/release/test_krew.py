"""Tests of the manifest with which krew installs the kubectl plugin."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from kubemr_shell import __version__
from release.krew import PLUGIN, main, manifest
from tests.release.helm import ROOT

PLACE = "https://downloads.example/v1"
HOME = "https://kubemr.example"


def test_the_plugin_is_an_entry_point_of_the_package() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts[f"kubectl-{PLUGIN}"] == scripts["kubemr-shell"]
    program = Path(sys.executable).with_name(f"kubectl-{PLUGIN}")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == __version__


def test_the_manifest_names_version_address_and_content_of_each_archive(tmp_path: Path) -> None:
    content = {"amd64": b"one", "arm64": b"two"}
    for architecture, data in content.items():
        (tmp_path / f"kubectl-{PLUGIN}-linux-{architecture}.tar.gz").write_bytes(data)
    (tmp_path / "notes.txt").write_bytes(b"")
    assert main([str(tmp_path), PLACE, HOME]) == 0
    written = yaml.safe_load((tmp_path / f"{PLUGIN}.yaml").read_text())
    assert written["metadata"]["name"] == PLUGIN
    assert written["spec"]["version"] == f"v{__version__}"
    found = {
        one["selector"]["matchLabels"]["arch"]: (one["uri"], one["sha256"]) for one in written["spec"]["platforms"]
    }
    assert found == {
        name: (f"{PLACE}/kubectl-{PLUGIN}-linux-{name}.tar.gz", hashlib.sha256(data).hexdigest())
        for name, data in content.items()
    }


def test_without_an_archive_there_is_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="make plugin"):
        manifest(tmp_path, PLACE, HOME)
