"""Images of this tree, built with Docker, and containers of them that may do as little as a restricted pod may."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.turns import turn

ROOT = Path(__file__).parents[2]
PREFIX = "kubemr-test"
RESTRICTED = ("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges")
BUILD_SECONDS = 1200


@dataclass(frozen=True)
class Folder:
    """A folder that a container sees as /data and may write to, whoever it runs as."""

    path: Path

    def parts(self, name: str = "out") -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted((self.path / name).glob("part-*"))}


def docker(*arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["docker", *arguments], capture_output=True, check=False, timeout=seconds)


def build(target: str) -> None:
    """Make a target of the Makefile; with the host's network, which is there where containers have none.

    One at a time: what several processes of pytest need, the second finds built.
    """
    with turn(ROOT / "Dockerfile.base"):
        done = subprocess.run(
            ["make", target, f"IMAGE={PREFIX}", "DOCKER_BUILD=docker build --network host"],
            cwd=ROOT,
            capture_output=True,
            check=False,
            timeout=BUILD_SECONDS,
        )
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")[-4000:]


def options_of(folder: Folder | None, extra: Sequence[str] = (), *, network: str = "none") -> list[str]:
    """Who is not root here has to be the same user in there, so that the files can be removed."""
    user = [f"--user={os.getuid()}:{os.getgid()}"] if os.getuid() else []
    data = [f"--volume={folder.path}:/data", "--workdir=/data"] if folder else []
    return [*RESTRICTED, f"--network={network}", *user, *data, *extra]


def run(
    image: str, *arguments: str, folder: Folder | None = None, options: Sequence[str] = (), network: str = "none"
) -> subprocess.CompletedProcess[bytes]:
    """``docker run IMAGE ARGUMENTS``."""
    extra = options_of(folder, options, network=network)
    return docker("run", "--rm", *extra, f"{PREFIX}/{image}", *arguments, seconds=100)
