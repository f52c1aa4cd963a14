"""Lists the inputs of a job, plans its tasks as a run would, and makes a forecast. Runs nothing."""

from __future__ import annotations

import tempfile
from collections import Counter

from kubemr_shell.inputs.division import decompression_of, divided
from kubemr_shell.inputs.listing import list_inputs
from kubemr_shell.job.derive import resolve
from kubemr_shell.job.names import STATE, file_location
from kubemr_shell.local_run.list_copy import check_stdin, content_of_stream
from kubemr_shell.local_run.request import RunRequest
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_requests import RequestMeter
from kubemr_shell.net.s3_uri import is_s3
from kubemr_shell.screens.forecast import RunShape, forecast
from kubemr_shell.screens.plan import Plan


def plan_of(request: RunRequest) -> Plan:
    """List the inputs and plan the tasks. Raise the errors that would end the run before its first command."""
    spec = resolve(request.spec, slots=request.memory.slots)
    meter = RequestMeter()
    meter.take()
    check_stdin(spec)
    content = content_of_stream(spec, request.folder)
    listed = list_inputs(
        spec.inputs,
        inputs_from=spec.inputs_from,
        decompress=decompression_of(spec),
        folder=request.folder,
        stdin_copy=None,
        list_copy=None if content is None else lambda: content,
        s3=S3Config.of(spec.s3),
    )
    at_once = request.memory.slots * request.workers
    division = divided(
        listed,
        spec,
        request.memory.limited(spec.split),
        files={uri: file_location(uri) for uri in spec.files},
        parallelism=at_once,
        folder=request.folder,
        scratch=tempfile.gettempdir(),
        s3=S3Config.of(spec.s3),
    )
    assert spec.partitions is not None
    shape = RunShape(
        partitions=spec.partitions,
        at_once=at_once,
        workers=request.workers,
        read_memory=request.memory.read_ahead_bytes,
        output_in_s3=is_s3(request.output or ""),
        temporaries_in_s3=is_s3(request.tmp or ""),
    )
    return Plan(
        name=request.name,
        shape=shape,
        forecast=forecast(division.objects, list(division.splits), shape, Counter(meter.take())),
        output=request.output or "the state folder, for stdout",
        spec=spec,
        temporaries=_temporaries(request),
        notes=division.notes,
    )


def _temporaries(request: RunRequest) -> str:
    """Return the place of the map outputs of a run, as the user can find it."""
    if request.tmp is not None:
        return request.tmp
    if request.output is not None and not is_s3(request.output):
        return f"{request.output}/{STATE}"
    return request.state_home
