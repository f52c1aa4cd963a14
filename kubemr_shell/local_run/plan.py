"""Says what a job would do: lists the inputs and plans the tasks as a run would, then predicts the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kubemr_shell.inputs.listing import list_inputs
from kubemr_shell.inputs.splits import plan_splits
from kubemr_shell.job.derive import resolve
from kubemr_shell.local_run.figures import bytes_text, count_text, one_line, seconds_text
from kubemr_shell.local_run.forecast import Forecast, Shape, cost, forecast
from kubemr_shell.local_run.list_copy import check_stdin, content_of_stream
from kubemr_shell.local_run.request import RunRequest
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_requests import DELETE, GET, PUT, RequestMeter
from kubemr_shell.net.s3_uri import is_s3

ALONE_SHOWN = 5
"""The most inputs that the text names because one task has to read each of them alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices of 1,000 requests, in dollars."""

    put: float = 0.005
    """The price of PUT, COPY, POST and LIST: Amazon's list price, us-east-1, standard storage."""
    get: float = 0.0004
    """The price of GET and HEAD: Amazon's list price, us-east-1, standard storage."""


def plan_of(request: RunRequest) -> Plan:
    """List the inputs and plan the tasks. Raise the errors that would end the run before its first command."""
    spec = resolve(request.spec, slots=request.memory.slots)
    meter = RequestMeter()
    meter.take()
    check_stdin(spec)
    content = content_of_stream(spec, request.folder)
    objects = list_inputs(
        spec.inputs,
        inputs_from=spec.inputs_from,
        decompress=spec.decompress,
        folder=request.folder,
        stdin_copy=None,
        list_copy=None if content is None else lambda: content,
        s3=S3Config.of(spec.s3),
    )
    at_once = request.memory.slots * request.workers
    splits = list(plan_splits(objects, split=request.memory.limited(spec.split), parallelism=at_once))
    assert spec.partitions is not None
    shape = Shape(
        partitions=spec.partitions,
        at_once=at_once,
        workers=request.workers,
        read_memory=request.memory.read_ahead_bytes,
        output_in_s3=is_s3(request.output or ""),
        temporaries_in_s3=is_s3(request.tmp or ""),
    )
    return Plan(request=request, shape=shape, forecast=forecast(objects, splits, shape, Counter(meter.take())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A job and its forecast."""

    request: RunRequest
    shape: Shape
    forecast: Forecast

    def lines(self, prices: Prices) -> list[str]:
        """Return the plan as lines of text for people."""
        found = self.forecast
        return [
            *_task_lines(self.request, found, self.shape),
            *_alone_lines(found),
            *_s3_lines(found, prices),
            *_peak_lines(self.request, found),
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
            "alone": [
                {"uri": alone.item.uri, "bytes": alone.item.size, "seconds": alone.seconds} for alone in found.alone
            ],
            "requests": {kind: found.requests[kind] for kind in (PUT, GET, DELETE)},
            "dollars": cost(found.requests, prices.put, prices.get),
        }


def _task_lines(request: RunRequest, found: Forecast, shape: Shape) -> Iterator[str]:
    unknown = f", {count_text(found.unknown_sizes)} of unknown size" if found.unknown_sizes else ""
    yield f"{one_line(request.name, 100)}: {_counted(found.inputs, 'input')}, {bytes_text(found.bytes)}{unknown}"
    writes = "" if shape.partitions else ", each writes a part"
    yield (
        f"map      {_counted(found.maps, 'task')} of up to {bytes_text(found.largest_split)}, "
        f"{count_text(min(shape.at_once, found.maps))} at once{writes}"
    )
    if shape.partitions:
        yield f"reduce   {_counted(found.reduces, 'task')}, each writes a part"


def _alone_lines(found: Forecast) -> Iterator[str]:
    for alone in found.alone[:ALONE_SHOWN]:
        item = alone.item
        why = "cannot be cut" if item.codec == "none" else f"{item.codec} cannot be cut"
        yield (
            f"alone    {one_line(item.uri, 200)}, {bytes_text(item.size or 0)}: {why}, so one task reads it: "
            f"{seconds_text(alone.seconds)} or more"
        )
    if len(found.alone) > ALONE_SHOWN:
        yield f"         and {_counted(len(found.alone) - ALONE_SHOWN, 'more input')} that cannot be cut"


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


def _peak_lines(request: RunRequest, found: Forecast) -> Iterator[str]:
    size = bytes_text(found.bytes)
    output = request.output or "the state folder, for stdout"
    if not found.reduces:
        yield f"peak     if map writes as much as it reads: {size} in {output}"
        return
    tmp = request.tmp or (f"{output}/_kubemr" if request.output and not is_s3(output) else request.state_home)
    yield f"peak     if map writes as much as it reads, no equal lines: {size} in {tmp}, and the output in {output}"


def _counted(count: int, noun: str) -> str:
    return f"{count_text(count)} {noun}{'' if count == 1 else 's'}"
