"""Formats jobs as a table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubemr_shell.board.stores.documents import Document
from kubemr_shell.client.hindrance import hindrance_of
from kubemr_shell.client.times import age_text, seconds_since
from kubemr_shell.job.state import ENDED
from kubemr_shell.kube.status import is_being_deleted, state_of, status_of
from kubemr_shell.screens.figures import one_line

WIDEST = 60
"""The most characters of a cell, because the pods of a job may write anything into its status."""


def table_of(documents: Sequence[Document], *, now: float, everywhere: bool) -> list[str]:
    """Return a line of titles and a line for each job. With ``everywhere``, the first column is the namespace."""
    titles = ["NAME", "STATE", "MAPS", "REDUCES", "RETRIES", "AGE"]
    rows = [titles, *([row[name.lower()] for name in titles] for row in (_texts(one, now) for one in documents))]
    if everywhere:
        spaces = ["NAMESPACE", *(one["metadata"]["namespace"] for one in documents)]
        rows = [[space, *row] for space, row in zip(spaces, rows, strict=True)]
    return aligned(rows)


def row_of(document: Document, *, now: float) -> dict[str, Any]:
    """Return the fields that ``list`` shows of a job, for programs."""
    metadata, status = document["metadata"], status_of(document)
    progress = status.get("progress") or {}
    age = seconds_since(metadata.get("creationTimestamp"), now)
    return {
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "state": _state(document),
        "maps": progress.get("map"),
        "reduces": progress.get("reduce"),
        "retries": status.get("retry", 0),
        "ageSeconds": None if age is None else int(age),
        "hindrance": hindrance_of(document) or None,
    }


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines, with columns of equal width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _texts(document: Document, now: float) -> dict[str, str]:
    row = row_of(document, now=now)
    return {
        "name": row["name"],
        "state": one_line(row["state"], WIDEST),
        "maps": one_line(str(row["maps"] or "-"), WIDEST),
        "reduces": one_line(str(row["reduces"] or "-"), WIDEST),
        "retries": one_line(str(row["retries"]), WIDEST),
        "age": age_text(row["ageSeconds"]),
    }


def _state(document: Document) -> str:
    """Return the state of a job, with the reason of its hindrance in parentheses, as kubectl shows pods."""
    if is_being_deleted(document):
        return "DELETING"
    state = state_of(document)
    reason = hindrance_of(document).partition(":")[0]
    return f"{state} ({reason})" if reason and state not in ENDED else state
