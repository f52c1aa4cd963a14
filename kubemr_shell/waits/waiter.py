"""Waits that end at once when they are cancelled."""

from __future__ import annotations

import select
import time

NOBODY = -1
"""The cancel descriptor of a caller that cannot be cancelled."""


class Cancelled(Exception):
    """The work was cancelled: drop it, without a message."""


class Waiter:
    """A cancellable wait for a descriptor or for time.

    If the cancel descriptor becomes readable, a wait raises Cancelled.
    """

    def __init__(self, cancel_fd: int) -> None:
        self._cancel_fd = cancel_fd
        self._cancel = select.poll()
        if cancel_fd != NOBODY:
            self._cancel.register(cancel_fd, select.POLLIN)

    def check(self) -> None:
        """Raise Cancelled if the cancel descriptor is readable."""
        self.pause(0)

    def pause(self, seconds: float) -> None:
        """Wait for some seconds."""
        if self._cancel.poll(seconds * 1000):
            raise Cancelled

    def rest(self, seconds: float) -> None:
        """Pause for a time shorter than a millisecond, the unit of poll, or for a few milliseconds at most.

        A cancel does not end this pause.
        """
        if seconds:
            time.sleep(seconds)

    def until_readable(self, fd: int, seconds: float | None = None) -> None:
        """Wait until a descriptor is readable. Raise TimeoutError after ``seconds``, unless they are None."""
        self._until(fd, select.POLLIN, seconds)

    def until_writable(self, fd: int) -> None:
        """Wait until a descriptor is writable."""
        self._until(fd, select.POLLOUT, None)

    def _until(self, fd: int, events: int, seconds: float | None) -> None:
        poll = select.poll()
        poll.register(fd, events)
        if self._cancel_fd != NOBODY:
            poll.register(self._cancel_fd, select.POLLIN)
        ready = poll.poll(None if seconds is None else seconds * 1000)
        if not ready:
            raise TimeoutError(f"no bytes arrived for {seconds:.0f} s")
        if any(descriptor == self._cancel_fd for descriptor, _ in ready):
            raise Cancelled
