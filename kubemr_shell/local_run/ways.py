"""The advice how to continue a run after an error: the flags of another run into the same output."""

from __future__ import annotations

from kubemr_shell.worker.way_on import WayOn

_INTO_AN_OUTPUT = WayOn(goes_on="continue with --resume", begins_anew="start again with --overwrite")
_TO_STDOUT = WayOn(goes_on="run it again", begins_anew="run it again")
"""The advice for a run to stdout, of which nothing is kept."""


def way_on(*, has_output: bool) -> WayOn:
    """Return the advice for a run with or without an output."""
    return _INTO_AN_OUTPUT if has_output else _TO_STDOUT
