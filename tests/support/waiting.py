"""Waiting for what a test has begun: for a condition, never for a time."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 300.0
"""Only a test that fails waits so long, and a slow machine does not make it fail."""
SHORTEST_PAUSE = 0.005
LONGEST_PAUSE = 0.1
"""So an API server is not asked all the time, though what comes at once is seen at once."""

T = TypeVar("T")


def until(
    condition: Callable[[], T | None], what: str | Callable[[], str] = "it", *, seconds: float = PATIENCE_SECONDS
) -> T:
    """Return the first true value of the condition. ``what`` names the missing event, or returns all that is known."""
    began = time.monotonic()
    while not (value := condition()):
        passed = time.monotonic() - began
        assert passed < seconds, f"{what if isinstance(what, str) else what()}: not after {seconds:g} s"
        time.sleep(min(max(passed / 10, SHORTEST_PAUSE), LONGEST_PAUSE))
    return value


def is_ready(descriptor: int, seconds: float | None, events: int = select.POLLIN) -> bool:
    """Wait until a descriptor is ready or hung up; False when so many seconds have passed before."""
    poll = select.poll()
    poll.register(descriptor, events)
    return bool(poll.poll(None if seconds is None else max(0.0, seconds) * 1000))
