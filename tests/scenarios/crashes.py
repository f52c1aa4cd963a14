"""Having a run die, or asking it to stop, at a step of our choice: what does it is in ``crash_points``."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.support.runs import Place

CRASH_POINTS = str(Path(__file__).with_name("crash_points"))


def dying(
    place: Place, *, at: int, on: str = "", who: str = "kubemr-shell", by: signal.Signals = signal.SIGKILL
) -> dict[str, str]:
    """``on`` is a part of the names of the steps that count, ``who`` a word of the command line of who dies."""
    return {
        "PYTHONPATH": CRASH_POINTS,
        "CRASH_FOLDER": str(place.folder),
        "CRASH_AT": str(at),
        "CRASH_ON": on,
        "CRASH_WHO": who,
        "CRASH_SIGNAL": str(by.value),
        "CRASH_LOG": str(place.folder / "steps"),
    }


def steps(place: Place) -> list[str]:
    """Return the steps of the runs so far, in their order, in the words of ``crash_points``."""
    return (place.folder / "steps").read_text().splitlines()


def has_died(place: Place) -> bool:
    return (place.folder / "steps.died").exists()
