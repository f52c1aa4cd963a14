"""The environment, for those commands that read it or pass it on."""

from __future__ import annotations

import os
from collections.abc import Mapping

from kubemr_shell.command.environment import inherited_environment
from kubemr_shell.command.ourselves import is_frozen


def environ() -> Mapping[str, str]:
    return os.environ  # noqa: TID251 - cli is where the environment is read


def inherited() -> dict[str, str]:
    """What the user's commands inherit of ours."""
    return inherited_environment(environ(), is_frozen=is_frozen())
