"""Runs of the installed command line, each with a folder, a state home and a TMPDIR of its own.

Commands of jobs leave their traces in files: ``NOTE`` adds a line for each attempt that begins, ``WAIT`` holds an
attempt until the test opens the gate. Every process of a scenario carries a marker in its environment, so that those
that outlive it can be found, whatever they became.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.support.calls import KUBEMR_SHELL
from tests.support.waiting import PATIENCE_SECONDS

NOTE = 'echo "$KUBEMR_PHASE/$KUBEMR_TASK.$KUBEMR_ATTEMPT" >> "$ATTEMPTS"; '
WAIT = 'flock -s "$GATE" true; '


@dataclass(frozen=True, kw_only=True)
class Done:
    """The end of a run: its exit code (negative for a signal), and everything that it wrote."""

    code: int
    stdout: bytes
    stderr: str


class Run:
    """A run at work. Its stdout and stderr are files, so nobody has to read them meanwhile."""

    def __init__(self, place: Place, process: subprocess.Popen[bytes], stdout: Path, stderr: Path) -> None:
        self.process = process
        self._place = place
        self._stdout = stdout
        self._stderr = stderr

    @property
    def stderr(self) -> str:
        return self._stderr.read_text(errors="backslashreplace")

    def wait(self, seconds: float = PATIENCE_SECONDS) -> Done:
        code = self.process.wait(seconds)
        return Done(code=code, stdout=self._stdout.read_bytes(), stderr=self.stderr)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def is_over(self) -> bool:
        return self.process.poll() is not None

    def workers(self) -> list[int]:
        """The process ids of its workers, if it has any but itself."""
        found = [process.pid for process in self._place.processes() if b"\0local-worker\0" in process.command_line]
        return [pid for pid in found if parent_of(pid) == self.process.pid]  # a child is its parent's double at first

    def kill(self) -> None:
        """The run and all of its workers at once; their commands are left behind."""
        for pid in (self.process.pid, *self.workers()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A living process."""

    pid: int
    command_line: bytes


class Place:
    """The world of one scenario."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "out"
        self.state = folder / "state" / "kubemr-shell"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.marker = f"SCENARIO={folder}"
        self._runs: list[subprocess.Popen[bytes]] = []

    def start(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        stdin: IO[bytes] | int | None = None,
        under: Sequence[str] = (),
    ) -> Run:
        """Start ``kubemr-shell`` with these arguments in the scenario's folder; ``under``: by way of a program."""
        stdout, stderr = (self.folder / f"{name}.{len(self._runs)}" for name in ("stdout", "stderr"))
        with stdout.open("wb") as out, stderr.open("wb") as err:
            process = subprocess.Popen(
                [*self.environment(environment), *under, KUBEMR_SHELL, *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=out,
                stderr=err,
            )
        self._runs.append(process)
        return Run(self, process, stdout, stderr)

    def run(
        self, *arguments: str, environment: Mapping[str, str] | None = None, stdin: IO[bytes] | int | None = None
    ) -> Done:
        return self.start(*arguments, environment=environment, stdin=stdin).wait()

    def environment(self, more: Mapping[str, str] | None = None) -> list[str]:
        """``env`` and what it sets; it is replaced by the program that follows."""
        variables = {
            "XDG_STATE_HOME": str(self.folder / "state"),
            "TMPDIR": str(self.temporary),
            "ATTEMPTS": str(self.folder / "attempts"),
            "GATE": str(self.folder / "gate"),
            **(more or {}),
        }
        return ["env", self.marker, *(f"{name}={value}" for name, value in variables.items())]

    def write(self, name: str, data: bytes | str) -> Path:
        path = self.folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def attempts(self, phase: str = "") -> list[str]:
        """The attempts that have begun so far, such as ``map/0.0``, of commands that ``NOTE`` them."""
        path = self.folder / "attempts"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line.startswith(phase)]

    def parts(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.output.glob("part-*"))}

    def success(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.output / "_SUCCESS").read_bytes())
        return manifest

    def job_folder(self) -> Path:
        """The state of the only job of the output."""
        [folder] = [path for path in (self.output / "_kubemr").iterdir() if path.is_dir()]
        return folder

    @contextmanager
    def closed_gate(self) -> Iterator[Callable[[], None]]:
        """Attempts that ``WAIT`` do so until what is given is called, or the context is left."""
        descriptor = os.open(self.folder / "gate", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield lambda: fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            os.close(descriptor)

    def processes(self) -> list[Found]:
        return processes_with(self.marker)

    def end(self) -> list[bytes]:
        """Kill what is left of the scenario's processes; their command lines."""
        left = self.processes()
        for found in left:
            with suppress(ProcessLookupError):
                os.kill(found.pid, signal.SIGKILL)
        for process in self._runs:
            process.wait(PATIENCE_SECONDS)
        return [found.command_line for found in left]


def processes_with(variable: str) -> list[Found]:
    """Every living process with that, ``NAME=value``, in its environment."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdecimal() and variable.encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(Found(pid=int(entry.name), command_line=(entry / "cmdline").read_bytes()))
    return found


def parent_of(pid: int) -> int:
    """0 for a process that is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
    except OSError:
        return 0


def unprivileged() -> list[str]:
    """Return a command prefix under which the permissions of files hold, though root has started the tests."""
    return [] if os.geteuid() else ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
