"""The parts of a result, one after the other, to a stream."""

from __future__ import annotations

from contextlib import closing

from kubemr_shell.errors import JobNotFound, ObjectNotFound
from kubemr_shell.job.names import COMPRESSED_SUFFIXES, SUCCESS
from kubemr_shell.local_run.output import Output
from kubemr_shell.local_run.output_check import look_at_output
from kubemr_shell.streams import STDOUT, write_output


def write_results(output: Output, descriptor: int = STDOUT) -> None:
    """Write every part in order; a newline is added between parts where the last line of one has none."""
    success = look_at_output(output).success
    if success is None:
        raise JobNotFound(f"{output.uri}: there is no finished result (no {SUCCESS})")
    open_line = False
    for part in success["parts"]:
        if not part["bytes"]:
            continue
        if open_line:
            write_output(b"\n", descriptor)
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
                write_output(data, descriptor)
                copied += len(data)
                last = data[-1:]
    except ObjectNotFound as error:
        raise ObjectNotFound(f"{output.uri}/{name}: the part is missing, though {SUCCESS} names it") from error
    if copied != size:
        raise ObjectNotFound(f"{output.uri}/{name}: has {copied} bytes, {SUCCESS} says {size}: the result was changed")
    return last != b"\n"
