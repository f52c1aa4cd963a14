"""Starts a command: finds the program, makes the pipes, and explains why a command cannot be started.

A string is run by ``/bin/sh -c``. A list is executed without a shell; its program is searched on the PATH of the
command. The module ``environment`` sets this PATH.
"""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from kubemr_shell.command.niceness import with_niceness
from kubemr_shell.command.open_files import restore_limit
from kubemr_shell.command.processes import OUR_COMMANDS
from kubemr_shell.command.scratch import check_folder
from kubemr_shell.errors import CommandError, CommandNotStarted
from kubemr_shell.job.spec import Command
from kubemr_shell.waits.retry import Patience, Retries
from kubemr_shell.waits.waiter import NOBODY, Waiter

SHELL = "/bin/sh"
"""The shell that runs a command that is a string."""
PIPE_BYTES = 1 << 20
"""The size of the pipes of stdin and stdout, if the system allows it."""
SHEBANG_BYTES = 256
"""The bytes of a script that are read to find its interpreter. Linux reads 256 bytes too."""
START_PATIENCE = Patience(budget=60, first_pause=0.05, longest_pause=2)
"""The time for which the start is repeated when the system has no room for a process. All values are seconds."""
_PASSING = frozenset({errno.EAGAIN, errno.ENOMEM, errno.ENFILE})
"""The errors of a system that has no room for another process or open file at the moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A running command and our ends of its pipes, which do not block. The process id is also the process group id."""

    process: subprocess.Popen[bytes]
    stdin: int
    stdout: int
    stderr: int


def start(
    command: Command,
    folder: str,
    environment: Mapping[str, str],
    *,
    niceness: int | None = None,
    cancel_fd: int = NOBODY,
    patience: Patience = START_PATIENCE,
) -> Started:
    """Start a command in a process group of its own, with ``folder`` as its current folder.

    ``niceness`` is the least niceness of the command; None leaves the niceness as it is here.

    If the system has no room for a process, repeat the start within ``patience``: other processes may end. Raise
    CommandNotStarted if no attempt can start the command, CommandError if another attempt may, and Cancelled if
    ``cancel_fd`` becomes readable.
    """
    retries = Retries(patience, Waiter(cancel_fd))
    while True:
        try:
            return _start(command, folder, environment, niceness)
        except OSError as error:
            if error.errno not in _PASSING:
                raise
            if not retries.pause():
                raise CommandError(
                    f"the system started no process for {patience.budget:g} s: {error.strerror}: raise the limit on "
                    "processes or memory (ulimit -u, the pids limit of a container), or give fewer --slots"
                ) from error


def _start(command: Command, folder: str, environment: Mapping[str, str], niceness: int | None) -> Started:
    if isinstance(command, str):
        program, arguments = SHELL, ["sh", "-c", command]
    else:
        program, arguments = _find(command, folder, environment), list(command)
    with ExitStack() as our_ends, ExitStack() as its_ends:
        stdin, our_stdin = _pipe(its_ends, our_ends)
        our_stdout, stdout = _pipe(our_ends, its_ends)
        our_stderr, stderr = _pipe(our_ends, its_ends)
        for descriptor in (our_stdin, our_stdout, our_stderr):
            os.set_blocking(descriptor, False)
        for descriptor in (our_stdin, our_stdout):
            with suppress(PermissionError):  # a user may have only 64 MiB of pipes in all: keep the smaller size
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        try:
            process = with_niceness(
                niceness,
                lambda: subprocess.Popen(
                    arguments,
                    executable=program,
                    cwd=folder,
                    env=environment,
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr,
                    process_group=0,
                ),
            )
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOENT, errno.ENOTDIR):
                check_folder(folder)
            reason = _reason(error, command, program, folder)
            if reason is None:
                raise
            raise CommandNotStarted(reason) from error
        our_ends.pop_all()
    OUR_COMMANDS.add(process.pid)
    restore_limit(process.pid)
    return Started(process=process, stdin=our_stdin, stdout=our_stdout, stderr=our_stderr)


def _pipe(reader: ExitStack, writer: ExitStack) -> tuple[int, int]:
    """Make a pipe. The two stacks close its reading and its writing end."""
    reading, writing = os.pipe()
    reader.callback(os.close, reading)
    writer.callback(os.close, writing)
    return reading, writing


def _find(command: tuple[str, ...], folder: str, environment: Mapping[str, str]) -> str:
    """Return the path of the program of a list: the first executable file with its name on PATH."""
    if not command or not command[0]:
        raise CommandNotStarted("the command is an empty list: name a program")
    name = command[0]
    if "/" in name:
        return name
    places = environment.get("PATH", os.defpath).split(":")
    candidates = [os.path.join(folder, place, name) for place in places]
    for candidate in candidates:
        if os.access(candidate, os.X_OK) and os.path.isfile(candidate):
            return candidate
    for candidate in candidates:
        if os.path.isfile(candidate):
            raise CommandNotStarted(_not_executable(candidate))
    raise CommandNotStarted(_not_found(name))


def _not_found(name: str) -> str:
    if " " in name.strip():
        words = ", ".join(repr(word) for word in name.split())
        return (
            f"there is no program called {name!r}: a list is executed without a shell, one word an item; "
            f"write the command as a string, or as [{words}]"
        )
    return (
        f"the program {name!r} was not found on PATH or in the attempt's folder: check the name, install it "
        "(or use an image that has it), or add the file to files:"
    )


def _not_executable(path: str) -> str:
    return f"{path} has no execute bit: run chmod +x on the file, or name its interpreter first"


def _reason(error: OSError | ValueError, command: Command, program: str, folder: str) -> str | None:
    """Return why the command cannot be started. Return None if the system lacks memory or room for processes."""
    if isinstance(error, ValueError):
        return f"the command or its environment cannot be passed on: {error}"
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return _missing(command, program, folder)
        case errno.EACCES if os.path.isfile(os.path.join(folder, program)):
            return _not_executable(program)
        case errno.EACCES | errno.EPERM | errno.ELOOP | errno.ENAMETOOLONG | errno.ETXTBSY:
            return f"{program} cannot be executed in {folder}: {error.strerror}"
        case errno.ENOEXEC:
            return (
                f"{program} is not a program that this machine can run: a script needs a first line such as "
                "#!/bin/sh, a binary must be built for this kind of processor"
            )
        case errno.E2BIG:
            return "the command and its environment are longer than the system allows: put long lists into files"
    return None


def _missing(command: Command, program: str, folder: str) -> str:
    if isinstance(command, str):
        return f"there is no {SHELL} here, and a command that is a string needs a shell: write the command as a list"
    path = os.path.join(folder, program)
    if not os.path.isfile(path):
        return _not_found(program)
    line = _first_line(path)
    if not line.startswith(b"#!"):
        return f"{program} exists, but its dynamic loader does not: the program may be built for another system"
    interpreter = line[2:].decode(errors="replace").strip(" \t")
    if interpreter.endswith("\r"):
        return f"{program} has Windows line ends, so its interpreter is not found: convert it with sed -i 's/\\r$//'"
    return f"{program} exists, but its interpreter does not: its first line names {interpreter!r}"


def _first_line(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.readline(SHEBANG_BYTES).rstrip(b"\n")
