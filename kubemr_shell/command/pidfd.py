"""Descriptors of processes: readable when the process has ended, and never of another process of the same number."""

from __future__ import annotations

import os

from kubemr_shell.errors import CommandError


def check_pidfds() -> None:
    """CommandError where the kernel, or the container runtime, refuses them."""
    os.close(open_pidfd(os.getpid()))


def open_pidfd(process_id: int) -> int:
    """Return a descriptor of a child that nobody has waited for; CommandError."""
    try:
        return os.pidfd_open(process_id)
    except OSError as error:
        # Docker's filter of system calls lets it through from 20.10 on, containerd's from 1.5 on; the kernel has it
        # from 5.3 on.
        raise CommandError(
            f"pidfd_open: {error.strerror}: commands cannot be watched here. Use Linux 5.3 or newer, and in a "
            "container Docker 20.10, containerd 1.5 or newer, or a seccomp profile that allows pidfd_open"
        ) from error
