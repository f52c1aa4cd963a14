"""What wakes a worker's loop."""

from __future__ import annotations

import os
import select
from contextlib import suppress


class Attention:
    """A flag to wait for. A ``threading.Event`` has a lock, and a signal handler that finds it taken waits for ever."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def set(self) -> None:
        """Any thread, any signal handler; after ``close`` it does nothing."""
        if self._fd >= 0:
            os.eventfd_write(self._fd, 1)

    def clear(self) -> None:
        with suppress(BlockingIOError):
            os.eventfd_read(self._fd)

    def wait(self, seconds: float) -> None:
        """Until it is set, or so many seconds have passed."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        poll.poll(seconds * 1000)

    def close(self) -> None:
        descriptor, self._fd = self._fd, -1
        os.close(descriptor)
