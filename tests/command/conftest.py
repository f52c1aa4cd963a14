"""One runner for the tests of a module, as a slot keeps one for its attempts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kubemr_shell.command.process import Runner
from tests.command.attempts import Attempts


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    runner = Runner()
    yield runner
    runner.close()


@pytest.fixture
def attempt(runner: Runner, tmp_path: Path) -> Attempts:
    return Attempts(runner, tmp_path)
