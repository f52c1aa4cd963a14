"""Process 1 of a container has to wait for orphans, and a signal without a handler does not end it: tini does that.

It lies beside the frozen program, for images whose entry point is that program itself.
"""

from __future__ import annotations

import os
import sys

TINI = "tini"


def give_way() -> None:
    """Go on as the child of tini, which becomes process 1; where there is none, stay."""
    from kubemr_shell.cli.inherited import inherited  # noqa: PLC0415 - --help needs none of these
    from kubemr_shell.command.ourselves import command_line, is_frozen  # noqa: PLC0415

    tini = os.path.join(os.path.dirname(sys.executable), TINI)
    if is_frozen() and os.access(tini, os.X_OK):
        os.execve(tini, [TINI, "--", *command_line(), *sys.argv[1:]], inherited())  # noqa: S606
