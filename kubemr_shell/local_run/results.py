"""The parts of a result, one after the other, to a stream."""

from __future__ import annotations

import os
from contextlib import closing

from kubemr_shell.errors import JobNotFound, ObjectNotFound, StorageError
from kubemr_shell.job.names import COMPRESSED_SUFFIXES, SUCCESS
from kubemr_shell.local_run.output import Output
from kubemr_shell.local_run.output_check import look_at_output


def write_results(output: Output, descriptor: int) -> None:
    """Write every part in order; a newline is added between parts where the last line of one has none."""
    success = look_at_output(output).success
    if success is None:
        raise JobNotFound(f"{output.uri}: there is no finished result (no {SUCCESS})")
    open_line = False
    for part in success["parts"]:
        if not part["bytes"]:
            continue
        if open_line:
            _write(descriptor, b"\n")
        open_line = _copy(output, part["name"], part["bytes"], descriptor)
        if part["name"].endswith(tuple(COMPRESSED_SUFFIXES.values())):
            open_line = False  # the bytes are not lines, and compressed parts may follow each other


def _copy(output: Output, name: str, size: int, descriptor: int) -> bool:
    """Whether the part's last line is without its newline."""
    copied = 0
    last = b"\n"
    try:
        with closing(output.read_part(name)) as source:
            for data in source:
                _write(descriptor, data)
                copied += len(data)
                last = data[-1:]
    except ObjectNotFound as error:
        raise ObjectNotFound(f"{output.uri}/{name}: the part is missing, though {SUCCESS} names it") from error
    if copied != size:
        raise ObjectNotFound(f"{output.uri}/{name}: has {copied} bytes, {SUCCESS} says {size}: the result was changed")
    return last != b"\n"


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except BrokenPipeError:
        raise  # whoever reads has enough
    except OSError as error:
        raise StorageError(f"stdout: {error.strerror}: the result could not be written there") from error
