"""The environment variables that kubemr-shell reads, typed, with their meaning.

``cli`` passes the environment in; nothing below it looks at ``os.environ``. Precedence: flag, environment,
spec, default. What belongs to a job is a field of its spec, never a setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from kubemr_shell.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One value for every ``KUBEMR_*`` variable, and where state is kept."""

    map_command: str | None = None
    """``KUBEMR_MAP_COMMAND``: the mapCommand of a job that names none (an image brings its own)."""
    combine_command: str | None = None
    """``KUBEMR_COMBINE_COMMAND``: likewise."""
    reduce_command: str | None = None
    """``KUBEMR_REDUCE_COMMAND``: likewise."""
    memory: str | None = None
    """``KUBEMR_MEMORY``: the default of ``--memory``."""
    slots: str | None = None
    """``KUBEMR_SLOTS``: the default of ``--slots``."""
    s3_prices: str | None = None
    """``KUBEMR_S3_PRICES``: dollars for 1,000 requests, as ``plan`` counts them: for PUT and LIST, a comma, for GET."""
    state_home: str = ""
    """``XDG_STATE_HOME``: where a run without an output folder keeps its state; ``~/.local/state``."""


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings; an empty variable counts as absent."""
    names = {"KUBEMR_" + field.name.upper(): field.name for field in fields(Settings) if field.name != "state_home"}
    values = {field: environ[name] for name, field in names.items() if environ.get(name)}
    home = environ.get("XDG_STATE_HOME") or _default_state_home(environ)
    return Settings(state_home=home, **values)


def _default_state_home(environ: Mapping[str, str]) -> str:
    home = environ.get("HOME")
    if not home:
        raise UsageError("neither XDG_STATE_HOME nor HOME is set: set one, or give an output folder with -o")
    return home.rstrip("/") + "/.local/state"
