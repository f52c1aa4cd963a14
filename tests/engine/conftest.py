"""Every test of the engine runs over both implementations, unless it names one."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

MODULES = {"native": "kubemr_shell.engine._native", "reference": "kubemr_shell.engine.reference"}


@pytest.fixture(scope="session", params=MODULES)
def engine(request: pytest.FixtureRequest) -> ModuleType:
    """One implementation after the other."""
    return importlib.import_module(MODULES[request.param])


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a folder for spills. No file with a name may ever be seen in it."""
    return str(tmp_path_factory.mktemp("scratch"))
