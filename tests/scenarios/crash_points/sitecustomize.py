"""Imported by every Python process that has this folder on its PYTHONPATH: sends it a signal at a given step.

A step is a change of a file or of the board. ``CRASH_FOLDER`` says below which folder, ``CRASH_AT`` at which step (from
0 on; without it nobody dies), ``CRASH_ON`` at which kind of step only, ``CRASH_WHO`` in which processes (a word of
their command line), ``CRASH_SIGNAL`` which signal: SIGKILL if it is not set. The file ``CRASH_LOG`` gets a line for
each step. One process gets the signal, just before it does the step; its pid is in ``CRASH_LOG.died`` then.
"""

import os
import signal
import sqlite3
import sys
import threading
from typing import Any

FOLDER = os.environ.get("CRASH_FOLDER", "")  # noqa: TID251 - it is imported by a run, not a part of it
AT = int(os.environ.get("CRASH_AT", "-1"))  # noqa: TID251
ON = os.environ.get("CRASH_ON", "")  # noqa: TID251
LOG = os.environ.get("CRASH_LOG", "")  # noqa: TID251
SIGNAL = int(os.environ.get("CRASH_SIGNAL", str(signal.SIGKILL.value)))  # noqa: TID251
WHO = os.environ.get("CRASH_WHO", "kubemr-shell")  # noqa: TID251
PATH_EVENTS = {"os.rename": 1, "os.remove": 0, "os.mkdir": 0, "os.rmdir": 0, "os.symlink": 1, "os.truncate": 0}
IN_A_FOLDER = {"os.remove", "os.rmdir"}  # by the descriptor of an open folder, their second argument, when trees go
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

steps = 0
lock = threading.Lock()


def step(name: str) -> None:
    global steps  # noqa: PLW0603
    if ON not in name:
        return
    with lock:
        write(LOG, os.O_APPEND, name)
        if steps == AT and write(f"{LOG}.died", os.O_EXCL, str(os.getpid())):
            os.kill(os.getpid(), SIGNAL)
        steps += 1


def write(path: str, flag: int, line: str) -> bool:
    """False when a file that must be new is there already."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | flag)
    except FileExistsError:
        return False
    os.write(file, f"{line}\n".encode())
    os.close(file)
    return True


def audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event in PATH_EVENTS:
        changed = arguments[PATH_EVENTS[event]]
    elif event == "open" and arguments[2] & WRITING:
        changed = arguments[0]
    else:
        return
    if event in IN_A_FOLDER and arguments[1] != -1:
        step(f"{event} in a tree: {changed}")
    elif isinstance(changed, str) and changed.startswith(FOLDER) and not changed.startswith(LOG):
        step(f"{event} {changed}")


def traced(statement: str) -> None:
    if statement.startswith(("BEGIN", "COMMIT", "PRAGMA journal", "CREATE")):
        step(f"board {statement[:20]}")


def synced(descriptor: int) -> None:
    """Sync a file as ``os.fsync`` does, and note it in the log. It is no step, since it changes nothing."""
    sync(descriptor)
    write(LOG, os.O_APPEND, f"os.fsync {os.readlink(f'/proc/self/fd/{descriptor}')}")


def is_meant() -> bool:
    with open("/proc/self/cmdline", "rb") as file:
        return WHO.encode() in file.read()


def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = open_database(*arguments, **options)
    connection.set_trace_callback(traced)
    return connection


if FOLDER and is_meant():
    open_database = sqlite3.connect
    sqlite3.connect = connect  # type: ignore[assignment]
    sync, os.fsync = os.fsync, synced  # type: ignore[assignment]
    sys.addaudithook(audit)
