"""Tests that a native module that was built from older sources is named, with the command that builds it again."""

from __future__ import annotations

import hashlib
import importlib
import subprocess
import sys
from pathlib import Path

from kubemr_shell import engine
from kubemr_shell.engine.version import VERSION

STUBS = {1: "e0bdbe1ff42dae2f", 2: "a2058aa29b78193c"}
"""The beginning of the SHA-256 of ``_native.pyi``, by version."""
OLDER = """
import sys, types
old = types.ModuleType("kubemr_shell.engine._native")
old.__file__ = "_native.so"
old.Collector = object
{version}
sys.modules[old.__name__] = old
from kubemr_shell.cli.main import main
sys.argv = ["kubemr-shell", "run", "-m", "cat", "{path}"]
main()
"""


def test_a_change_of_the_interface_raises_its_version() -> None:
    stub = Path(engine.__file__).parent / "_native.pyi"
    assert hashlib.sha256(stub.read_bytes()).hexdigest()[:16] == STUBS.get(VERSION), (
        "the interface of the native module has changed: raise VERSION in engine/version.py and native/module.cpp, "
        "and write the new digest here"
    )
    assert importlib.import_module("kubemr_shell.engine._native").VERSION == VERSION


def test_an_older_native_module_is_named_with_the_way_out(tmp_path: Path) -> None:
    """Such a module once ended the run with an AttributeError in the middle of a task, reported as a bug."""
    (tmp_path / "a").write_text("1\n")
    for version in ("", "old.VERSION = 0"):
        script = OLDER.format(version=version, path=tmp_path / "a")
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stderr
        assert "_native.so was built from other sources than the Python code of kubemr-shell" in done.stderr
        assert "make setup in a clone" in done.stderr
        assert "bug" not in done.stderr
