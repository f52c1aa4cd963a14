"""Starts tini as process 1 of a container.

Process 1 has to wait for orphans, and a signal without a handler does not end it. tini takes care of both. tini lies
beside the frozen program, for images whose entry point is the program itself.
"""

from __future__ import annotations

import os
import sys

TINI = "tini"
"""The name of the file of tini."""


def start_tini() -> None:
    """Start tini in place of this process, with this program as its child.

    Return if this program is not frozen, or has no executable tini beside it.
    """
    from kubemr_shell.cli.inherited import inherited
    from kubemr_shell.command.ourselves import command_line, is_frozen

    tini = os.path.join(os.path.dirname(sys.executable), TINI)
    if is_frozen() and os.access(tini, os.X_OK):
        os.execve(tini, [TINI, "--", *command_line(), *sys.argv[1:]], inherited())  # noqa: S606
