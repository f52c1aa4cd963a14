"""Docker, or why there is none; the base image, built once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.containers import BUILD_SECONDS, Folder, build
from tests.support.docker import INSTALL, why_no_docker
from tests.support.skips import skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test that needs an image builds it."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(2 * BUILD_SECONDS))


@pytest.fixture(scope="session")
def docker_engine() -> None:
    reason = why_no_docker()
    if reason is not None:
        if os.environ.get("KUBEMR_TEST_CLUSTER_REQUIRED") == "1":  # noqa: TID251 - asked of the tests, not of kubemr
            pytest.fail(f"Docker is required here: {reason}")
        skip("no Docker engine", why=reason, command=INSTALL)


@pytest.fixture(scope="session")
def base_image(docker_engine: None) -> str:
    build("base-image")
    return "base"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    path = tmp_path / "data"
    path.mkdir()
    path.chmod(0o777)
    return Folder(path)
