"""A request to stop that both Python and native loops can wait for."""

from __future__ import annotations

import os


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

    def clear(self) -> None:
        """Make it usable for the next one. Nobody may be waiting."""
        if self._is_set:
            self._is_set = False
            os.eventfd_read(self.fd)

    def close(self) -> None:
        if self.fd >= 0:
            descriptor, self.fd = self.fd, -1
            os.close(descriptor)
