"""A flag that any thread and any signal handler can set, and for which both Python and native loops can wait."""

from __future__ import annotations

import os
import select
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TypeVar

from kubemr_shell.waits.waiter import Cancelled

T = TypeVar("T")
"""The type of the items that ``Flag.until_set`` passes through."""


class Flag:
    """An eventfd that is readable from ``set`` until ``clear``. It is closed with the last reference to the flag.

    A ``threading.Event`` is not enough, because it has a lock. A signal handler that interrupts the owner of the lock
    would wait for ever. Native loops also need a descriptor.
    """

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._is_set = False

    def __del__(self) -> None:
        self.close()

    def set(self) -> None:
        """Set the flag. After ``close``, this changes only ``is_set``."""
        self._is_set = True  # before the write, because a thread that the descriptor wakes must find the flag set
        if self.fd >= 0:
            os.eventfd_write(self.fd, 1)

    def is_set(self) -> bool:
        """Return whether ``set`` was called since the last ``clear``."""
        return self._is_set

    def clear(self) -> None:
        """Make the descriptor unreadable again.

        If another thread sets the flag at the same time, ``is_set`` may differ from the descriptor. A caller that uses
        both needs a lock around ``set`` and ``clear``.
        """
        self._is_set = False
        with suppress(BlockingIOError):
            os.eventfd_read(self.fd)

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the descriptor is readable, but at most ``seconds``, unless they are None."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        poll.poll(None if seconds is None else seconds * 1000)

    def until_set(self, items: Iterable[T]) -> Iterator[T]:
        """Yield the items. Once the flag is set, raise Cancelled instead of yielding the next item."""
        for item in items:
            if self._is_set:
                raise Cancelled
            yield item

    def close(self) -> None:
        """Close the descriptor. A flag that is closed already stays closed."""
        if self.fd >= 0:
            descriptor, self.fd = self.fd, -1
            os.close(descriptor)
