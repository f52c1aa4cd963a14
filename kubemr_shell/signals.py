"""Handles SIGINT, SIGTERM and SIGHUP in this process.

The first signal asks the process to stop its work. A second SIGINT ends the process at once. ``command.signals`` says
which signals commands inherit.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

from kubemr_shell.errors import EXIT_INTERRUPTED, EXIT_TERMINATED

EXIT_CODES = {
    signal.SIGINT: EXIT_INTERRUPTED,
    signal.SIGTERM: EXIT_TERMINATED,
    signal.SIGHUP: EXIT_TERMINATED,
}
"""The exit code of a process that a signal has stopped."""


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP while no command runs. The process ends as with Ctrl-C."""

    exit_code = EXIT_TERMINATED


class Signals:
    """A handler that calls ``stop`` on the first signal and remembers this signal in ``received``.

    On a second SIGINT, the handler calls ``kill`` and ends the process.
    """

    def __init__(self, stop: Callable[[], None], kill: Callable[[], None]) -> None:
        self._stop = stop
        self._kill = kill
        self.received: signal.Signals | None = None

    @property
    def exit_code(self) -> int | None:
        """Return the exit code for the received signal, or None if no signal came."""
        return None if self.received is None else EXIT_CODES[self.received]

    def handle(self, number: int, _: FrameType | None) -> None:
        """Handle a signal."""
        if self.received is None:
            self.received = signal.Signals(number)
            self._stop()
        elif number == signal.SIGINT:
            self._kill()
            os._exit(EXIT_INTERRUPTED)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Raise Terminated on SIGTERM and SIGHUP, as SIGINT raises KeyboardInterrupt: for the time outside the work."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    with _handling(end, (signal.SIGTERM, signal.SIGHUP)):
        yield


@contextmanager
def stopping_on_signals(stop: Callable[[], None], kill: Callable[[], None] = lambda: None) -> Iterator[Signals]:
    """Call ``stop`` on the first signal, and ``kill`` just before the process ends on a second SIGINT.

    A signal that was ignored when the process started (``nohup``, a script's background job) stays ignored.
    """
    signals = Signals(stop, kill)
    with _handling(signals.handle, EXIT_CODES):
        yield signals


def is_ignored(number: signal.Signals) -> bool:
    """Return whether the parent of this process wants the signal to be ignored."""
    return signal.getsignal(number) in (signal.SIG_IGN, do_nothing)


def do_nothing(number: int, frame: FrameType | None) -> None:
    """Do nothing. A signal with this handler has no effect in this process. In commands, it has its default action."""


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None], numbers: Iterable[signal.Signals]) -> Iterator[None]:
    heeded = [number for number in numbers if not is_ignored(number)]
    before = {number: signal.signal(number, handler) for number in heeded}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
