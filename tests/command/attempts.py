"""Running a command as a slot does, with the many fields of a request filled in."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kubemr_shell.command.echo import AttemptEcho
from kubemr_shell.command.process import AttemptRequest, Outcome, Runner
from kubemr_shell.command.pump import CountedMove, Flow, Move
from kubemr_shell.job.spec import Command
from kubemr_shell.waits.flag import Flag
from tests.support.waiting import PATIENCE_SECONDS, is_ready

NOTHING = b""


class Attempts:
    """Runs commands in ``folder``. ``stdout`` and ``group`` are those of the last one."""

    def __init__(self, runner: Runner, folder: Path) -> None:
        self.folder = folder / "attempt"
        self.folder.mkdir()
        self.log = folder / "log"
        self.stdout = b""
        self.group = 0
        self.environment = {"PATH": f"{self.folder}:/usr/local/bin:/usr/bin:/bin"}
        self._runner = runner

    def __call__(
        self,
        command: Command,
        *,
        stdin: bytes | Move = NOTHING,
        drain: Move | None = None,
        timeout_seconds: float = 0,
        niceness: int | None = None,
        cancel: Flag | None = None,
        grace_seconds: float = PATIENCE_SECONDS,
        on_start: Callable[[int], None] = lambda _: None,
        on_status: Callable[[str], None] = lambda _: None,
        echo: AttemptEcho | None = None,
    ) -> Outcome:
        collected = Collected()

        def started(group: int) -> None:
            self.group = group
            on_start(group)

        outcome = self._runner.run(
            AttemptRequest(
                command=command,
                feed=flow(feeding(stdin) if isinstance(stdin, bytes) else stdin),
                drain=flow(drain or collected),
                folder=str(self.folder),
                environment=self.environment,
                timeout_seconds=timeout_seconds,
                niceness=niceness,
                log_path=str(self.log),
                cancel=cancel or Flag(),
                grace_seconds=grace_seconds,
                on_start=started,
                on_status=on_status,
                echo=echo,
            )
        )
        self.stdout = bytes(collected.data)
        return outcome


class Collected:
    """A drain that keeps everything."""

    def __init__(self) -> None:
        self.data = bytearray()

    @property
    def moved(self) -> int:
        return len(self.data)

    def __call__(self, descriptor: int, cancel: int) -> None:
        while is_fed(descriptor, cancel):
            data = os.read(descriptor, 1 << 20)
            if not data:
                return
            self.data += data


@dataclass(slots=True)
class Uncounted:
    """The count of a move that keeps none."""

    moved: int = 0


def flow(move: Move) -> Flow:
    """Return a move as a flow: with its own count, if it keeps one."""
    return CountedMove(move, move if hasattr(move, "moved") else Uncounted())


def feeding(data: bytes) -> Move:
    """A feed of these bytes."""

    def feed(descriptor: int, cancel: int) -> None:
        left = memoryview(data)
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        poll.register(cancel, select.POLLIN)
        while left and not any(ready == cancel for ready, _ in poll.poll()):
            left = left[os.write(descriptor, left) :]

    return feed


def feeding_for_ever(descriptor: int, cancel: int) -> None:
    """A feed without an end."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.register(cancel, select.POLLIN)
    while not any(ready == cancel for ready, _ in poll.poll()):
        os.write(descriptor, b"0123456789abcde\n" * 256)


def waiting_for_cancel(_: int, cancel: int) -> None:
    """A feed whose input never comes."""
    is_ready(cancel, None)


def is_fed(descriptor: int, cancel: int) -> bool:
    """Wait until there is something to read; False when it was cancelled."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.register(cancel, select.POLLIN)
    return cancel not in [ready for ready, _ in poll.poll()]


def is_running(process_id: int) -> bool:
    """Whether a process is there and not a zombie."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_bytes()
    except FileNotFoundError:
        return False
    return stat.rpartition(b")")[2].split()[0] != b"Z"


def group_members(group: int) -> list[int]:
    """The living processes of a group."""
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and is_running(int(entry.name)):
            try:
                if os.getpgid(int(entry.name)) == group:
                    members.append(int(entry.name))
            except ProcessLookupError:
                continue
    return members
