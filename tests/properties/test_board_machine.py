"""The Board against everything that may go wrong: see board_machine.py for what is played."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.board_machine import BoardMachine

QUICK = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_no_order_of_events_breaks_the_board() -> None:
    run_state_machine_as_test(BoardMachine, settings=QUICK)
