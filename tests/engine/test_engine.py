"""The choice between the native module and the reference."""

from __future__ import annotations

import importlib
import subprocess
import sys

from kubemr_shell import engine
from tests.engine.conftest import MODULES


def test_the_native_module_was_built() -> None:
    assert engine.compiled, (
        "kubemr_shell.engine._native is missing, so every job runs on the slow Python reference: "
        "install g++ and the Python headers (apt-get install g++ python3-dev), then run: make setup"
    )


def test_both_implementations_offer_what_the_engine_offers() -> None:
    names = set(engine.__all__) - {"compiled"}
    for module in MODULES.values():
        assert names <= set(dir(importlib.import_module(module))), module


def test_the_reference_is_chosen_only_where_the_native_module_is_missing() -> None:
    block = "import sys; sys.modules['kubemr_shell.engine._native'] = None\n"
    report = "from kubemr_shell import engine; print(engine.compiled, engine.Collector.__module__)"
    child = subprocess.run([sys.executable, "-c", block + report], capture_output=True, text=True, check=True)
    assert child.stdout.split() == ["False", "kubemr_shell.engine.reference.collector"]


def test_a_compiled_engine_imports_no_reference() -> None:
    report = "import sys; from kubemr_shell import engine; print(*(m for m in sys.modules if 'reference' in m))"
    child = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    assert child.stdout.split() == []
