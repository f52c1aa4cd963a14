"""What SIGINT, SIGTERM and SIGHUP do to a run: the first asks it to stop, a second SIGINT ends it at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

from kubemr_shell.command.signals import is_ignored
from kubemr_shell.errors import EXIT_INTERRUPTED, EXIT_TERMINATED

EXIT_CODES = {
    signal.SIGINT: EXIT_INTERRUPTED,
    signal.SIGTERM: EXIT_TERMINATED,
    signal.SIGHUP: EXIT_TERMINATED,
}


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP where no command has to be stopped: it ends the run as Ctrl-C does there."""

    exit_code = EXIT_TERMINATED


class Signals:
    """Remembers the first signal that came."""

    def __init__(self, stop: Callable[[], None], kill: Callable[[], None]) -> None:
        self._stop = stop
        self._kill = kill
        self.received: signal.Signals | None = None

    @property
    def exit_code(self) -> int | None:
        return None if self.received is None else EXIT_CODES[self.received]

    def handle(self, number: int, _: FrameType | None) -> None:
        if self.received is None:
            self.received = signal.Signals(number)
            self._stop()
        elif number == signal.SIGINT:
            self._kill()
            os._exit(EXIT_INTERRUPTED)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Before and after the work, SIGTERM and SIGHUP are exceptions, as SIGINT is."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    with _handling(end, (signal.SIGTERM, signal.SIGHUP)):
        yield


@contextmanager
def stopping_on_signals(stop: Callable[[], None], kill: Callable[[], None] = lambda: None) -> Iterator[Signals]:
    """``stop`` is called on the first signal, ``kill`` just before the process ends on a second SIGINT.

    A signal that is ignored from the start (nohup, a script's background job) stays so.
    """
    signals = Signals(stop, kill)
    with _handling(signals.handle, EXIT_CODES):
        yield signals


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None], numbers: Iterable[signal.Signals]) -> Iterator[None]:
    heeded = [number for number in numbers if not is_ignored(number)]
    before = {number: signal.signal(number, handler) for number in heeded}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
