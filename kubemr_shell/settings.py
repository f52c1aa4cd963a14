"""The settings: the environment variables that kubemr-shell reads, with their types and meanings.

``cli`` passes the environment to ``load``; no code below ``cli`` reads ``os.environ``. The order of precedence is flag,
environment, spec, default. Properties of a job are fields of its spec, never settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from kubemr_shell.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The values of the ``KUBEMR_*`` variables, and the folder for state."""

    map_command: str | None = None
    """``KUBEMR_MAP_COMMAND``: the mapCommand of a job that names none. An image sets this variable for its commands."""
    combine_command: str | None = None
    """``KUBEMR_COMBINE_COMMAND``: the combineCommand of a job that names none."""
    reduce_command: str | None = None
    """``KUBEMR_REDUCE_COMMAND``: the reduceCommand of a job that names none."""
    memory: str | None = None
    """``KUBEMR_MEMORY``: the default of ``--memory``."""
    slots: str | None = None
    """``KUBEMR_SLOTS``: the default of ``--slots``."""
    s3_prices: str | None = None
    """``KUBEMR_S3_PRICES``: the prices in dollars that ``plan`` uses, as ``PUT,GET``.

    The first price is for 1,000 requests of PUT and LIST, the second for 1,000 requests of GET.
    """
    state_home: str = ""
    """``XDG_STATE_HOME``: the folder in which a run without an output folder keeps its state. Default
    ``~/.local/state`` (XDG Base Directory Specification).
    """


def load(environ: Mapping[str, str]) -> Settings:
    """Return the settings from the environment. An empty variable counts as absent.

    Raise UsageError if neither ``XDG_STATE_HOME`` nor ``HOME`` is set.
    """
    names = {"KUBEMR_" + field.name.upper(): field.name for field in fields(Settings) if field.name != "state_home"}
    values = {field: environ[name] for name, field in names.items() if environ.get(name)}
    home = environ.get("XDG_STATE_HOME") or _default_state_home(environ)
    return Settings(state_home=home, **values)


def _default_state_home(environ: Mapping[str, str]) -> str:
    home = environ.get("HOME")
    if not home:
        raise UsageError("neither XDG_STATE_HOME nor HOME is set: set one, or give an output folder with -o")
    return home.rstrip("/") + "/.local/state"
