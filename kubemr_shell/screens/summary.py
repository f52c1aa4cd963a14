"""The summary of a finished run. Pure: turns the manifest in ``_SUCCESS`` into lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubemr_shell.job.counters import MOST_BYTES, MOST_COUNTERS, CounterName, Counters
from kubemr_shell.screens.figures import bytes_text, count_text, one_line, seconds_text

HEAVY_SHARE = 0.1
"""The share of all records of a phase above which the summary names a key."""
COUNTER_SHOWN = 300
"""The most characters of a counter's name that are shown."""
NOTE_SHOWN = 500
"""The most characters of a note that are shown."""
WARNING_SHOWN = 300
"""The most characters of the quoted warning that are shown."""


def summary_lines(manifest: Mapping[str, Any], wall_seconds: float, destination: str) -> list[str]:
    """Return the lines of the summary. ``destination`` is the place of the parts, as the user named it."""
    parts = manifest["parts"]
    size = sum(part["bytes"] for part in parts)
    lines = [f"{_plural(len(parts), 'part')}, {bytes_text(size)} in {destination}, {seconds_text(wall_seconds)}"]
    for phase in ("map", "reduce"):
        totals = manifest["totals"].get(phase)
        if totals:
            lines += phase_lines(phase, totals)
    lines += note_lines(manifest.get("notes", ()))
    lines += _request_lines(manifest.get("requests", {}))
    dropped = manifest.get("countersDroppedFrom")
    return lines + counter_lines(manifest["counters"], tuple(dropped) if dropped else None)


def note_lines(notes: Iterable[str]) -> list[str]:
    """Return a line for each decision of the planner that the user should know."""
    return [f"note     {one_line(note, NOTE_SHOWN)}" for note in notes]


def counter_lines(counters: Counters, dropped_from: CounterName | None) -> list[str]:
    """Return a line for each counter. If counters were dropped, a last line says which."""
    lines = [
        f"counter  {_counter(group, name)} = {count_text(amount)}"
        for group, names in sorted(counters.items())
        for name, amount in sorted(names.items())
    ]
    if dropped_from is not None:
        lines.append(
            f"counter  {_counter(*dropped_from)} and all that follow it in the order of their names were dropped: "
            f"a job keeps {count_text(MOST_COUNTERS)} counters, and up to {bytes_text(MOST_BYTES)} of them: "
            "use fewer or shorter names"
        )
    return lines


def _counter(group: str, name: str) -> str:
    return one_line(f"{group}: {name}", COUNTER_SHOWN)


def phase_lines(phase: str, totals: Mapping[str, Any]) -> list[str]:
    """Return the lines with the totals of all tasks of a phase."""
    slowest, largest, heaviest = totals["slowest"], totals["largest"], totals["heaviest"]
    lines = [
        f"{phase:<8} {_plural(totals['tasks'], 'task')}: "
        f"{count_text(totals['recordsIn'])} records, {bytes_text(totals['bytesIn'])} in; "
        f"{count_text(totals['recordsOut'])} records, {bytes_text(totals['bytesOut'])} out; "
        f"slowest {slowest['task']} {seconds_text(slowest['seconds'])}"
        + (f"; {_plural(totals['retries'], 'attempt')} repeated" if totals["retries"] else "")
    ]
    if phase == "reduce":
        lines.append(f"         largest partition: {largest['task']}, {bytes_text(largest['bytes'])}")
        share = heaviest["records"] / totals["recordsIn"] if totals["recordsIn"] else 0
        if share > HEAVY_SHARE:
            lines.append(
                f"         heaviest key: {printable(heaviest['key'])}, {count_text(heaviest['records'])} records, "
                f"{share:.0%} of the phase"
            )
    if totals.get("warnings"):
        warned = totals["warned"]
        lines.append(
            f"         {_plural(totals['warnings'], 'warning')}, such as {warned['task']}: "
            + one_line(warned["text"], WARNING_SHOWN)
        )
    return lines


def _request_lines(requests: Mapping[str, int]) -> list[str]:
    """Return the line with the requests up to the end of publishing. Only a few follow, whatever the job."""
    if not requests:
        return []
    puts, gets, deletes = (count_text(requests.get(kind, 0)) for kind in ("put", "get", "delete"))
    line = f"s3       {puts} PUT, COPY, POST and LIST, {gets} GET and HEAD, {deletes} DELETE requests"
    for kind in ("repeated", "throttled"):
        if requests.get(kind):
            line += f"; {count_text(requests[kind])} {kind}"
    return [line]


def printable(key: str) -> str:
    """Return a key in a form that a terminal can show, whatever its bytes. ``key`` has one latin-1 character a byte."""
    text = key.encode("latin-1").decode("utf-8", "backslashreplace")
    shown = one_line(text, 80)
    return repr(shown) if shown.strip() != shown or not shown else shown


def _plural(count: int, noun: str) -> str:
    return f"{count_text(count)} {noun}" + ("" if count == 1 else "s")
