"""Calls the installed command in a folder and an environment of its own."""

import os
import subprocess
import sysconfig
from pathlib import Path

KUBEMR_SHELL = os.path.join(sysconfig.get_path("scripts"), "kubemr-shell")


def call(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [KUBEMR_SHELL, *arguments],
        cwd=folder,
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},  # noqa: TID251 - PATH alone is kept
    )
