"""The advice how to continue a run after an error: the flags of another run into the same output."""

from __future__ import annotations

from kubemr_shell.worker.advice import Advice

_INTO_AN_OUTPUT = Advice(to_continue="continue with --resume", to_start_again="start again with --overwrite")
_TO_STDOUT = Advice(to_continue="run it again", to_start_again="run it again")
"""The advice for a run to stdout, of which nothing is kept."""


def run_advice(*, has_output: bool) -> Advice:
    """Return the advice for a run with or without an output."""
    return _INTO_AN_OUTPUT if has_output else _TO_STDOUT
