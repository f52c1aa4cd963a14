"""The environment, for the commands that read it or pass it on."""

from __future__ import annotations

import os
from collections.abc import Mapping

from kubemr_shell.command.environment import inherited_environment
from kubemr_shell.command.ourselves import is_frozen


def environ() -> Mapping[str, str]:
    """Return the environment of this process."""
    return os.environ  # noqa: TID251 - cli is where the environment is read


def inherited() -> dict[str, str]:
    """Return the environment that the user's commands inherit."""
    return inherited_environment(environ(), is_frozen=is_frozen())
