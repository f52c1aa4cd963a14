"""Runs commands of the documentation as a user types them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def in_shell(script: str, folder: Path, *, options: str = "-c") -> subprocess.CompletedProcess[str]:
    """Run a script by ``sh`` in a folder. The kubemr-shell of these tests is on the path, and its state is in there."""
    env = {
        **os.environ,  # noqa: TID251 - a shell of a user
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",  # noqa: TID251 - likewise
        "XDG_STATE_HOME": str(folder / "state"),
    }
    return subprocess.run(["sh", options, script], cwd=folder, env=env, capture_output=True, text=True, check=False)
