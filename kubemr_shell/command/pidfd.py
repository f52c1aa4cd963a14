"""Opens descriptors of processes (pidfd_open(2)).

A pidfd becomes readable when its process has ended. Unlike a process id, a pidfd never refers to another process.
"""

from __future__ import annotations

import os

from kubemr_shell.errors import CommandError


def check_pidfds() -> None:
    """Raise CommandError if the kernel or the container runtime refuses pidfds."""
    os.close(open_pidfd(os.getpid()))


def open_pidfd(process_id: int) -> int:
    """Return a pidfd of a child that has not been waited for. Raise CommandError if the system refuses."""
    try:
        return os.pidfd_open(process_id)
    except OSError as error:
        # Linux has pidfd_open since 5.3. The seccomp profile of Docker allows it since 20.10, that of containerd
        # since 1.5.
        raise CommandError(
            f"pidfd_open: {error.strerror}: commands cannot be watched here. Use Linux 5.3 or newer, and in a "
            "container Docker 20.10, containerd 1.5 or newer, or a seccomp profile that allows pidfd_open"
        ) from error
