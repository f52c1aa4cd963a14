"""Waiting that ends at once when somebody asks to stop."""

from __future__ import annotations

import os
import select
import time

NOBODY = -1
"""The cancel descriptor of a caller that cannot be cancelled."""


class Cancelled(Exception):
    """Somebody asked to stop: drop the work, and say nothing."""


class Bell:
    """An eventfd that can be rung and waited for by any thread; closed when nobody refers to it any more."""

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def __del__(self) -> None:
        os.close(self.fd)

    def ring(self) -> None:
        os.eventfd_write(self.fd, 1)

    def silence(self) -> None:
        """After ``fd`` was readable."""
        os.eventfd_read(self.fd)


class Waiter:
    """Waits for descriptors and for time, and for the cancel descriptor always."""

    def __init__(self, cancel_fd: int) -> None:
        self._cancel_fd = cancel_fd
        self._cancel = select.poll()
        if cancel_fd != NOBODY:
            self._cancel.register(cancel_fd, select.POLLIN)

    def check(self) -> None:
        self.pause(0)

    def pause(self, seconds: float) -> None:
        if self._cancel.poll(seconds * 1000):
            raise Cancelled

    def rest(self, seconds: float) -> None:
        """Pause for less than poll can count, a few milliseconds at most; a cancel is seen afterwards."""
        if seconds:
            time.sleep(seconds)

    def until_readable(self, fd: int, seconds: float | None = None) -> None:
        """Raises TimeoutError when nothing came in so many seconds, if any are given."""
        self._until(fd, select.POLLIN, seconds)

    def until_writable(self, fd: int) -> None:
        self._until(fd, select.POLLOUT, None)

    def _until(self, fd: int, events: int, seconds: float | None) -> None:
        poll = select.poll()
        poll.register(fd, events)
        if self._cancel_fd != NOBODY:
            poll.register(self._cancel_fd, select.POLLIN)
        ready = poll.poll(None if seconds is None else seconds * 1000)
        if not ready:
            raise TimeoutError(f"nothing came for {seconds:.0f} s")
        if any(descriptor == self._cancel_fd for descriptor, _ in ready):
            raise Cancelled
