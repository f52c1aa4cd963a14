"""Measures one run of a contender: wall time, exit status, and on demand the peak memory of our own processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.02
"""The seconds between two samples of the memory."""
PAGE = os.sysconf("SC_PAGESIZE")
"""The bytes of a page of memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The result of one run."""

    seconds: float
    peak_bytes: int
    status: int
    stderr: str


def run(shell: str, environment: Mapping[str, str], log: Path, *, sample: bool) -> Run:
    """Run a line of shell to its end. Without ``sample``, ``peak_bytes`` is 0."""
    with log.open("wb") as stderr:
        start = time.perf_counter()
        process = subprocess.Popen(
            ["bash", "-e", "-o", "pipefail", "-c", shell],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
        sampler = PeakSampler(process.pid) if sample else None
        status = process.wait()
        seconds = time.perf_counter() - start
    peak = sampler.stop() if sampler else 0
    return Run(seconds=seconds, peak_bytes=peak, status=status, stderr=log.read_text(errors="replace")[-2000:])


def digest(shell: str, environment: Mapping[str, str]) -> str:
    """Return the SHA-256 of the output of a line of shell."""
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", f"{{ {shell}; }} | sha256sum"],
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout.split()[0]


class PeakSampler:
    """A sampler of the peak resident memory of all Python processes below ``root``: the engine without the commands.

    A process counts from its second sample on, because a child between fork and exec looks like its parent.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._peak = 0
        self._python = os.path.realpath(sys.executable)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def stop(self) -> int:
        """End the sampling. Return the peak in bytes."""
        self._ended.set()
        self._thread.join()
        return self._peak

    def _sample(self) -> None:
        before: set[int] = set()
        while not self._ended.wait(SAMPLE_SECONDS):
            resident = {pid: size for pid in _descendants(self._root) if (size := self._resident(pid))}
            self._peak = max(self._peak, sum(size for pid, size in resident.items() if pid in before))
            before = set(resident)

    def _resident(self, pid: int) -> int:
        try:
            if os.path.realpath(f"/proc/{pid}/exe") != self._python:
                return 0
            return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        except (OSError, IndexError):
            return 0


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                stat = Path(entry.path, "stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, []))
    return found
