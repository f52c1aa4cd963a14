"""Runs one attempt: starts the command, serves its streams, watches it, and ends everything that it started.

A slot owns one Runner. The two pumps of the Runner move stdin and stdout. The calling thread waits in one poll for
stderr, the end of the command, a request to stop, and the time-out.
"""

from __future__ import annotations

import fcntl
import math
import os
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from kubemr_shell.command.echo import AttemptEcho
from kubemr_shell.command.leftovers import kill_writers
from kubemr_shell.command.pidfd import check_pidfds, open_pidfd
from kubemr_shell.command.processes import OUR_COMMANDS, ticks_since_boot
from kubemr_shell.command.pump import Flow, Pump
from kubemr_shell.command.signals import ignore_only_here
from kubemr_shell.command.start import PIPE_BYTES, Started, start
from kubemr_shell.command.stderr import StderrLog
from kubemr_shell.errors import CommandError, InputError
from kubemr_shell.job.spec import Command
from kubemr_shell.waits.flag import Flag

Feed = Flow
"""A flow that writes the command's input to the pipe and returns at its end. A closed pipe is no error."""
Drain = Flow
"""A flow that reads the command's output from the pipe to its end."""

STDERR_READ_BYTES = 256 << 10
"""The most bytes that one read takes from stderr."""
CHECKS = 8
"""The number of checks for progress within a time-out."""
LONGEST_CHECK_SECONDS = 5.0
"""The longest time between two checks for progress."""
AFTER_END_SECONDS = 0.1
"""The time between the checks, after the end of the command, for processes that keep its stdout open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRequest:
    """The parameters of one attempt."""

    command: Command
    feed: Feed
    drain: Drain
    folder: str
    """The absolute path of the current folder of the command."""
    environment: Mapping[str, str]
    """All environment variables of the command: none is inherited."""
    timeout_seconds: float
    """The seconds that the command may be idle before it is stopped. 0 means no limit.

    The time in which the command waits for more input, or until its output is read, does not count.
    """
    niceness: int | None = None
    """The least niceness of the command. None means the niceness of this process."""
    log_path: str
    """The path of the log of stderr. If the log is empty, no file is made."""
    cancel: Flag
    echo: AttemptEcho | None = None
    """The writer that gets a copy of stderr, line by line."""
    on_start: Callable[[int], None] = lambda _: None
    """A function that is called with the process group id of the command."""
    on_status: Callable[[str], None] = lambda _: None
    """A function that is called with the status of the command (``reporter:status:``) when the status changes."""
    grace_seconds: float = 5.0
    """The seconds between SIGTERM and SIGKILL.

    Also the seconds that the Runner waits, after the end of the command, for other processes to close its stdout.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of an attempt. Exactly one of ``exit_status`` and ``signal`` is set."""

    exit_status: int | None
    signal: int | None
    seconds: float
    timed_out: bool = False
    cancelled: bool = False
    feed_error: BaseException | None = None
    drain_error: BaseException | None = None
    stderr_head: bytes = b""
    stderr_tail: bytes = b""
    """The stderr after the head. If it is long, only its last bytes."""
    counters: dict[tuple[str, str], int] = field(default_factory=dict)
    status: str = ""
    warnings: tuple[str, ...] = ()
    """Messages about malformed reporter lines, dropped counters, and a log that could not be written."""


class Runner:
    """A runner of attempts, one after the other. Only one thread may use it at a time."""

    def __init__(self) -> None:
        ignore_only_here()
        check_pidfds()
        self._feeder = Pump("feed")
        self._drainer = Pump("drain")

    def run(self, request: AttemptRequest) -> Outcome:
        """Run one attempt to its end.

        Raise CommandNotStarted or CommandError if the command did not start, Cancelled if the request came before.
        """
        since_ticks = ticks_since_boot()
        started = start(
            request.command,
            request.folder,
            request.environment,
            niceness=request.niceness,
            cancel_fd=request.cancel.fd,
        )
        attempt = _Attempt(request, started, self._feeder, self._drainer, since_ticks)
        try:
            attempt.watch()
        finally:
            attempt.close()
        return attempt.outcome()

    def close(self) -> None:
        """End the threads of the pumps."""
        self._feeder.close()
        self._drainer.close()


class _Attempt:
    """A command from its start until all its processes have ended. Call ``watch`` once, then ``close``."""

    def __init__(
        self, request: AttemptRequest, started: Started, feeder: Pump, drainer: Pump, since_ticks: int
    ) -> None:
        self._request = request
        self._process = started.process
        self._pidfd = -1
        self._stdin, self._stdout, self._stderr = started.stdin, started.stdout, started.stderr
        self._feeder, self._drainer = feeder, drainer
        self._since_ticks = since_ticks
        self._log = StderrLog(request.log_path, request.echo)
        self._status = ""
        self._feed_error: BaseException | None = None
        self._drain_error: BaseException | None = None
        self._timed_out = self._cancelled = self._is_stopping = False
        self._began = time.monotonic()
        self._ended_at: float | None = None
        self._check_seconds = min(request.timeout_seconds / CHECKS, LONGEST_CHECK_SECONDS)
        self._idle_checks = 0
        self._wake_at = self._began + self._check_seconds if request.timeout_seconds else math.inf
        self._seen = self._sample()
        self._poll = select.poll()

    def watch(self) -> None:
        self._request.on_start(self._process.pid)
        self._pidfd = open_pidfd(self._process.pid)
        self._drainer.start(self._request.drain, self._stdout)
        self._feeder.start(self._request.feed, self._stdin)
        actions = {
            self._stderr: self._on_stderr,
            self._feeder.ended.fd: self._on_fed,
            self._drainer.ended.fd: self._on_drained,
            self._pidfd: self._on_end,
            self._request.cancel.fd: self._on_cancel,
        }
        for descriptor in actions:
            self._poll.register(descriptor, select.POLLIN)
        while self._ended_at is None or self._feeder.is_running or self._drainer.is_running:
            for descriptor, _ in self._poll.poll(self._milliseconds()):
                actions[descriptor]()
            if time.monotonic() >= self._wake_at:
                self._on_time()

    def close(self) -> None:
        """End everything that is left. If ``watch`` returned, only the descriptors are left to close."""
        if self._ended_at is None:
            self._reap()
        self._feeder.abort()
        self._drainer.abort()
        if self._is_stopping and self._stderr >= 0:
            with suppress(OSError):  # processes in sessions of their own must stop too
                kill_writers(self._stderr, self._since_ticks)
        self._read_last_stderr()
        self._log.close()
        for descriptor in (self._stdin, self._stdout, self._stderr, self._pidfd):
            if descriptor >= 0:
                os.close(descriptor)

    def outcome(self) -> Outcome:
        code = self._process.returncode
        reporter = self._log.reporter
        return Outcome(
            exit_status=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            seconds=(self._ended_at or self._began) - self._began,
            timed_out=self._timed_out,
            cancelled=self._cancelled,
            feed_error=self._feed_error,
            drain_error=self._drain_error,
            stderr_head=self._log.head,
            stderr_tail=self._log.tail,
            counters=reporter.counters,
            status=reporter.status,
            warnings=(*reporter.warnings, *self._log.problems),
        )

    def _milliseconds(self) -> float | None:
        if self._wake_at == math.inf:
            return None
        return max(0.0, (self._wake_at - time.monotonic()) * 1000)

    def _on_stderr(self) -> None:
        try:
            data = os.read(self._stderr, STDERR_READ_BYTES)
        except BlockingIOError:  # a command can read its own stderr, and may have been faster
            return
        self._log.write(data)
        if self._log.reporter.status != self._status:
            self._status = self._log.reporter.status
            self._request.on_status(self._status)
        if not data:
            self._poll.unregister(self._stderr)
            os.close(self._stderr)
            self._stderr = -1

    def _on_fed(self) -> None:
        self._feeder.finish()
        error = self._feeder.error
        if self._is_stopping:
            return
        # A command may leave input unread. But the input that it has read must be the planned input.
        is_needed = self._ended_at is None and not _has_no_other_end(self._stdin)
        if error is not None and (is_needed or isinstance(error, InputError)):
            # stdin stays open: the command must not take the input so far for the whole input.
            self._feed_error = error
            self._stop()
        elif self._ended_at is None:
            self._end_input()

    def _end_input(self) -> None:
        """Close the writing end of stdin, but watch the unread bytes: when the command reads them, that is progress."""
        writing, self._stdin = self._stdin, -1
        with suppress(OSError):
            self._stdin = os.open(f"/proc/self/fd/{writing}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.close(writing)

    def _on_drained(self) -> None:
        self._drainer.finish()
        os.close(self._stdout)
        self._stdout = -1
        self._drain_error = self._drain_error or self._drainer.error
        if self._drain_error is not None:
            self._stop()

    def _on_cancel(self) -> None:
        self._poll.unregister(self._request.cancel.fd)
        self._cancelled = True
        self._stop()

    def _on_end(self) -> None:
        self._poll.unregister(self._pidfd)
        self._reap()
        self._wake_at = self._seconds_from_now(AFTER_END_SECONDS)

    def _on_time(self) -> None:
        if self._ended_at is not None:
            self._check_after_end()
        elif self._is_stopping:
            self._signal(signal.SIGKILL)
            self._wake_at = math.inf
        else:
            self._check_progress()

    def _reap(self) -> None:
        # The group is killed before its leader is reaped. Until then, the system cannot give its id to another group.
        self._signal(signal.SIGKILL)
        OUR_COMMANDS.discard(self._process.pid)
        self._process.wait()
        self._ended_at = time.monotonic()

    def _stop(self) -> None:
        """Ask the command to end, and stop both pumps."""
        self._feeder.stop()
        self._drainer.stop()
        if self._ended_at is None and not self._is_stopping:
            self._is_stopping = True
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)  # a stopped process gets SIGTERM only after it continues
            self._wake_at = self._seconds_from_now(self._request.grace_seconds)

    def _signal(self, number: signal.Signals) -> None:
        # A command that runs as another user can be ended only by that user. A child that was killed before exec has no
        # group.
        with suppress(PermissionError, ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _check_progress(self) -> None:
        """Stop the command if it was idle at every check within the time-out.

        Checks are counted, not seconds: when this process is stopped (a stopped job, a machine that sleeps), so is the
        command.
        """
        seen = self._sample()
        is_idle = seen == self._seen and not self._waits_for_us()
        self._seen = seen
        self._idle_checks = self._idle_checks + 1 if is_idle else 0
        if self._idle_checks < math.ceil(self._request.timeout_seconds / self._check_seconds):
            self._wake_at = self._seconds_from_now(self._check_seconds)
            return
        self._timed_out = True
        self._stop()

    def _sample(self) -> tuple[int, ...]:
        """Return numbers of which at least one changes when a byte moves.

        Unread bytes in the pipes are included: the feed may have filled stdin long before the command reads.
        """
        return (
            self._request.feed.moved,
            self._request.drain.moved,
            self._log.received,
            _waiting(self._stdin),
            _waiting(self._stdout),
        )

    def _waits_for_us(self) -> bool:
        """Return whether the command can only wait for the work of the feed or of the drain.

        A merge before its first line, a fetch, a sort and a spill move no byte through a pipe, and may take longer than
        the time-out. The command waits for the feed if stdin is empty, and for the drain if stdout is not.
        """
        starves = self._feeder.is_running and _waiting(self._stdin) == 0
        return starves or (self._drainer.is_running and _waiting(self._stdout) > 0)

    def _check_after_end(self) -> None:
        """Stop the feed, whose input is no longer needed, and end processes that keep the command's stdout open."""
        assert self._ended_at is not None
        self._feeder.stop()
        if not self._drainer.is_running or _has_no_other_end(self._stdout):
            self._wake_at = math.inf
        elif time.monotonic() < self._ended_at + self._request.grace_seconds:
            with suppress(OSError):
                kill_writers(self._stdout, self._since_ticks)
            self._wake_at = self._seconds_from_now(AFTER_END_SECONDS)
        else:
            self._wake_at = math.inf
            self._drain_error = CommandError(
                "the command has ended, but another process keeps its stdout open and could not be killed: "
                "redirect the output of background processes in the command, for example to /dev/null"
            )
            self._drainer.stop()

    def _read_last_stderr(self) -> None:
        """Read the stderr that the command wrote before its end.

        Do not wait for other processes that hold the pipe open.
        """
        left = PIPE_BYTES
        while self._stderr >= 0 and left > 0:
            try:
                data = os.read(self._stderr, STDERR_READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                return
            left -= len(data)
            self._log.write(data)

    @staticmethod
    def _seconds_from_now(seconds: float) -> float:
        return time.monotonic() + seconds


def _waiting(pipe: int) -> int:
    """Return the number of unread bytes in a pipe. ``pipe`` may be either end; -1 gives 0."""
    if pipe < 0:
        return 0
    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0"))
    return int(count)


def _has_no_other_end(pipe: int) -> bool:
    """Return whether no process has the other end of a pipe open."""
    poll = select.poll()
    poll.register(pipe, 0)
    return bool(poll.poll(0))
