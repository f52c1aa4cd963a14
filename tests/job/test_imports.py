"""A job of one line has half a second, so the parts that every command needs import little."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import kubemr_shell.job

PACKAGE = Path(kubemr_shell.job.__file__).parent
EXPENSIVE = ("asyncio", "click", "jsonschema", "logging", "socket", "subprocess", "tempfile", "uuid", "yaml")


def test_importing_every_part_of_job_imports_nothing_expensive() -> None:
    modules = [f"kubemr_shell.job.{path.stem}" for path in PACKAGE.glob("*.py") if path.stem != "__init__"]
    script = f"import sys, {', '.join(modules)}; print(*sorted(set({EXPENSIVE!r}) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
