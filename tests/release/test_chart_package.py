"""Tests of the package of the chart."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
import yaml

from kubemr_shell import __version__
from release.chart import chart_files
from release.chart_package import package
from tests.release.helm import helm_program


def test_the_package_has_the_version_and_every_file(tmp_path: Path) -> None:
    path = package(helm_program(), tmp_path / "chart")
    with tarfile.open(path) as archive:
        names = set(archive.getnames())
        metadata = archive.extractfile("kubemr/Chart.yaml")
        assert metadata is not None
        assert yaml.safe_load(metadata)["version"] == __version__
    generated = {name.removeprefix("deploy/helm/") for name in chart_files()}
    assert names == generated | {"kubemr/templates/NOTES.txt"}


def test_a_failure_of_helm_is_an_error_with_its_words(tmp_path: Path) -> None:
    helm = tmp_path / "helm"
    helm.write_text("#!/bin/sh\necho no room >&2\nexit 3\n")
    helm.chmod(0o755)
    with pytest.raises(SystemExit, match=r"(?s)package .* exited with 3.*no room"):
        package(str(helm), tmp_path / "chart")
