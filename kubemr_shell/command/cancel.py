"""A request to stop, for which both Python and native loops can wait."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TypeVar

from kubemr_shell.net.waiting import Cancelled

T = TypeVar("T")
"""The type of the items that ``Cancel.until_set`` passes through."""


class Cancel:
    """A request to stop: an eventfd that is readable from ``set`` until ``clear``."""

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._is_set = False

    def set(self) -> None:
        """Ask to stop. Any thread and any signal handler may call this. After ``close`` the call does nothing."""
        self._is_set = True
        if self.fd >= 0:
            os.eventfd_write(self.fd, 1)

    def is_set(self) -> bool:
        """Return whether ``set`` was called since the last ``clear``."""
        return self._is_set

    def until_set(self, items: Iterable[T]) -> Iterator[T]:
        """Yield the items. Once ``set`` was called, raise Cancelled instead of yielding the next item."""
        for item in items:
            if self._is_set:
                raise Cancelled
            yield item

    def clear(self) -> None:
        """Withdraw the request, so that the object can be used again. No thread may be waiting for it."""
        if self._is_set:
            self._is_set = False
            os.eventfd_read(self.fd)

    def close(self) -> None:
        """Close the eventfd."""
        if self.fd >= 0:
            descriptor, self.fd = self.fd, -1
            os.close(descriptor)
