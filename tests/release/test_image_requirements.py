"""Tests that requirements/image.txt locks the requirements of the base image."""

from __future__ import annotations

import re

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release.image_requirements import image_requirements
from tests.release.helm import ROOT

ENTRIES = re.split(r"\n(?=\S)", (ROOT / "requirements" / "image.txt").read_text().strip())
PINS = {
    canonicalize_name(found[1]): found[2] for entry in ENTRIES if (found := re.match(r"([\w.-]+)==([\w.]+)", entry))
}


def test_every_requirement_is_locked_to_a_version_that_fits() -> None:
    """If a requirement is not locked, run ``make lock``."""
    requirements = [Requirement(text) for text in image_requirements()]
    assert {one.name for one in requirements} >= {"boto3", "scikit-build-core", "pyinstaller"}
    for one in requirements:
        assert PINS.get(canonicalize_name(one.name), "no version") in one.specifier, f"{one}: run make lock"


def test_every_version_has_hashes() -> None:
    assert len(PINS) == len(ENTRIES)
    assert [entry for entry in ENTRIES if "--hash=sha256:" not in entry] == []


def test_the_image_has_the_versions_with_which_the_tests_run() -> None:
    developers = re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements" / "dev.txt").read_text(), re.MULTILINE)
    versions: dict[str, set[str]] = {}
    for name, version in developers:
        versions.setdefault(canonicalize_name(name), set()).add(version)
    shared = PINS.keys() & versions.keys()
    assert "boto3" in shared
    assert {name: PINS[name] for name in shared if PINS[name] not in versions[name]} == {}
