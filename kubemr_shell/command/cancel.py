"""A request to stop that both Python and native loops can wait for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TypeVar

from kubemr_shell.net.waiting import Cancelled

T = TypeVar("T")


class Cancel:
    """An eventfd that becomes readable when somebody asked to stop, and stays so until ``clear``."""

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._is_set = False

    def set(self) -> None:
        """Ask to stop. Any thread, any signal handler; after ``close`` it does nothing."""
        self._is_set = True
        if self.fd >= 0:
            os.eventfd_write(self.fd, 1)

    def is_set(self) -> bool:
        return self._is_set

    def until_set(self, items: Iterable[T]) -> Iterator[T]:
        """Yield the items; raise Cancelled instead of the next one when somebody has asked to stop."""
        for item in items:
            if self._is_set:
                raise Cancelled
            yield item

    def clear(self) -> None:
        """Make it usable for the next one. Nobody may be waiting."""
        if self._is_set:
            self._is_set = False
            os.eventfd_read(self.fd)

    def close(self) -> None:
        if self.fd >= 0:
            descriptor, self.fd = self.fd, -1
            os.close(descriptor)
