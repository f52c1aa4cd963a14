"""A flag that wakes the loop of a worker."""

from __future__ import annotations

import os
import select
from contextlib import suppress


class Attention:
    """A flag that threads and signal handlers set, and that one thread waits for.

    A ``threading.Event`` has a lock. If a signal handler interrupts the owner of the lock, it waits for ever.
    """

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def set(self) -> None:
        """Set the flag, from any thread or signal handler. After ``close``, do nothing."""
        if self._fd >= 0:
            os.eventfd_write(self._fd, 1)

    def clear(self) -> None:
        """Clear the flag."""
        with suppress(BlockingIOError):
            os.eventfd_read(self._fd)

    def wait(self, seconds: float) -> None:
        """Wait until the flag is set, but at most ``seconds``."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        poll.poll(seconds * 1000)

    def close(self) -> None:
        """Close the descriptor of the flag."""
        descriptor, self._fd = self._fd, -1
        os.close(descriptor)
