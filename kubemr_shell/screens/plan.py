"""The screen that says what a job would do and cost. Pure: turns a forecast into lines of text, or JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kubemr_shell.inputs.notes import why_whole
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.spec_mappings import HeaderSpec
from kubemr_shell.net.s3_requests import DELETE, GET, PUT
from kubemr_shell.screens.figures import bytes_text, count_text, one_line, seconds_text
from kubemr_shell.screens.forecast import Forecast, RunShape, cost
from kubemr_shell.screens.summary import note_lines

ALONE_SHOWN = 5
"""The most inputs that the text names because one task has to read each of them alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices of 1,000 requests, in dollars."""

    put: float = 0.005
    """The price of PUT, COPY, POST and LIST: Amazon's list price, us-east-1, standard storage."""
    get: float = 0.0004
    """The price of GET and HEAD: Amazon's list price, us-east-1, standard storage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A job and its forecast, as a person or a program reads it."""

    name: str
    """The name of the job."""
    shape: RunShape
    forecast: Forecast
    output: str
    """The place of the parts."""
    spec: JobSpec
    """The spec of the job, with its defaults."""
    temporaries: str
    """The place of the map outputs."""
    notes: tuple[str, ...] = ()
    """The decisions of the planner that a user should know."""

    def lines(self, prices: Prices) -> list[str]:
        """Return the plan as lines of text for people."""
        found = self.forecast
        return [
            *_task_lines(self.name, found, self.shape),
            *_header_lines(self.spec.header),
            *_alone_lines(found, self.spec),
            *note_lines(self.notes),
            *_s3_lines(found, prices),
            *_peak_lines(found, output=self.output, temporaries=self.temporaries),
        ]

    def as_json(self, prices: Prices) -> dict[str, Any]:
        """Return the plan as JSON for programs. Field names are part of the interface."""
        found = self.forecast
        return {
            "inputs": found.inputs,
            "bytes": found.bytes,
            "unknownSizes": found.unknown_sizes,
            "maps": found.maps,
            "partitions": found.reduces,
            "largestSplit": found.largest_split,
            "atOnce": self.shape.at_once,
            "header": self.spec.header.mode,
            "alone": [
                {
                    "uri": alone.item.uri,
                    "bytes": alone.item.size,
                    "seconds": alone.seconds,
                    "reason": why_whole(alone.item, self.spec),
                }
                for alone in found.unsplittable
            ],
            "notes": list(self.notes),
            "requests": {kind: found.requests[kind] for kind in (PUT, GET, DELETE)},
            "dollars": cost(found.requests, prices.put, prices.get),
        }


def _task_lines(name: str, found: Forecast, shape: RunShape) -> Iterator[str]:
    unknown = f", {count_text(found.unknown_sizes)} of unknown size" if found.unknown_sizes else ""
    yield f"{one_line(name, 100)}: {_counted(found.inputs, 'input')}, {bytes_text(found.bytes)}{unknown}"
    writes = "" if shape.partitions else ", each writes a part"
    yield (
        f"map      {_counted(found.maps, 'task')} of up to {bytes_text(found.largest_split)}, "
        f"{count_text(min(shape.at_once, found.maps))} at once{writes}"
    )
    if shape.partitions:
        yield f"reduce   {_counted(found.reduces, 'task')}, each writes a part"


def _header_lines(header: HeaderSpec) -> Iterator[str]:
    if header.mode == "keep":
        return
    if header.prefix is not None:
        lines = f"all leading lines of a file that begin with {one_line(header.prefix, 40)}"
    else:
        lines = "the first line of a file" if header.lines == 1 else f"the first {header.lines:,} lines of a file"
    get = "each task gets them before the records of the file" if header.mode == "repeat" else "no task gets them"
    yield f"header   {lines}: {get if header.prefix or header.lines > 1 else get.replace('them', 'it')}"


def _alone_lines(found: Forecast, spec: JobSpec) -> Iterator[str]:
    for alone in found.unsplittable[:ALONE_SHOWN]:
        item = alone.item
        why = why_whole(item, spec)
        yield (
            f"alone    {one_line(item.uri, 200)}, {bytes_text(item.size or 0)}: {why}, so one task reads it: "
            f"{seconds_text(alone.seconds)} or more"
        )
    if len(found.unsplittable) > ALONE_SHOWN:
        yield f"         and {_counted(len(found.unsplittable) - ALONE_SHOWN, 'more input')} not cut"


def _s3_lines(found: Forecast, prices: Prices) -> Iterator[str]:
    requests = found.requests
    if not requests:
        return
    price = cost(requests, prices.put, prices.get)
    yield (
        f"s3       {count_text(requests[PUT])} PUT, COPY, POST and LIST, {count_text(requests[GET])} GET and HEAD, "
        f"{count_text(requests[DELETE])} DELETE requests: {price:.4f} $"
    )
    yield (
        "         if no request is repeated and no part is larger than 8 MB; at "
        f"{prices.put:g} and {prices.get:g} $ for 1,000 (KUBEMR_S3_PRICES)"
    )


def _peak_lines(found: Forecast, *, output: str, temporaries: str) -> Iterator[str]:
    size = bytes_text(found.bytes)
    if found.reduces:
        yield (
            f"peak     if map writes as much as it reads, no equal lines: {size} in {temporaries}, "
            f"and the output in {output}"
        )
    else:
        yield f"peak     if map writes as much as it reads: {size} in {output}"


def _counted(count: int, noun: str) -> str:
    return f"{count_text(count)} {noun}{'' if count == 1 else 's'}"
