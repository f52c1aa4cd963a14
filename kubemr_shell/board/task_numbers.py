"""Numbers of tasks as compact text: in ``57-80:1,90:2``, the tasks from 57 to 80 have 1 and task 90 has 2.

Neighbours are taken over and stolen together, so they mostly share a number. The text is one short string instead of up
to 1,000 entries, and is safe in a ``test`` operation.
"""

from __future__ import annotations

from collections.abc import Mapping


def parse_numbers(text: str) -> dict[int, int]:
    """Return the number of each task that the text names."""
    numbers: dict[int, int] = {}
    for item in text.split(",") if text else ():
        span, _, number = item.partition(":")
        first, _, last = span.partition("-")
        numbers.update(dict.fromkeys(range(int(first), int(last or first) + 1), int(number)))
    return numbers


def format_numbers(numbers: Mapping[int, int]) -> str:
    """Return the text of a mapping: the reverse of ``parse_numbers``. Equal mappings have equal texts."""
    runs: list[tuple[int, int, int]] = []
    for task in sorted(numbers):
        number = numbers[task]
        if runs and runs[-1][1:] == (task - 1, number):
            runs[-1] = (runs[-1][0], task, number)
        else:
            runs.append((task, task, number))
    return ",".join(
        f"{first}:{number}" if first == last else f"{first}-{last}:{number}" for first, last, number in runs
    )
