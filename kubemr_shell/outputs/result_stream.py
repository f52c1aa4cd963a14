"""Writes the parts of a result to a stream, one after the other."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from contextlib import closing
from shlex import quote
from typing import Any

from kubemr_shell.errors import JobNotFound, ObjectNotFound
from kubemr_shell.job.names import COMPRESSED_SUFFIXES, SUCCESS
from kubemr_shell.outputs.contents import look_at_output
from kubemr_shell.outputs.output import Output
from kubemr_shell.streams import STDOUT, write_output


def write_results(output: Output, descriptor: int = STDOUT) -> None:
    """Write all parts in order. Add a newline after a part whose last line has none, if another part follows.

    Raise JobNotFound if there is no finished result, and ObjectNotFound if a part is missing or was changed.
    """
    success = look_at_output(output).success
    if success is None:
        raise JobNotFound(f"{output.uri}: there is no finished result (no {SUCCESS})")
    open_line = False
    for part in success["parts"]:
        if not part["bytes"]:
            continue
        if open_line:
            write_output(b"\n", descriptor)
        open_line = _copy(output, part, descriptor)
        if part["name"].endswith(tuple(COMPRESSED_SUFFIXES.values())):
            open_line = False  # a newline would damage compressed bytes, and compressed parts may follow each other


def _copy(output: Output, part: Mapping[str, Any], descriptor: int) -> bool:
    """Write one part, and return whether its last line has no newline.

    Raise ObjectNotFound if the part differs from its entry in ``_SUCCESS``. The bytes are written before this error,
    because no part is read twice.
    """
    name, size = part["name"], part["bytes"]
    copied = crc32 = 0
    last = b"\n"
    try:
        with closing(output.read_part(name)) as source:
            for data in source:
                write_output(data, descriptor)
                copied += len(data)
                crc32 = zlib.crc32(data, crc32)
                last = data[-1:]
    except ObjectNotFound as error:
        raise _damaged(output, name, f"the part is missing, though {SUCCESS} names it") from error
    if copied != size:
        raise _damaged(output, name, f"has {copied} bytes, {SUCCESS} says {size}: the result was changed")
    if crc32 != part["crc32"]:
        raise _damaged(output, name, f"has another checksum than {SUCCESS} says: the result was changed, or is damaged")
    return last != b"\n"


def _damaged(output: Output, name: str, what: str) -> ObjectNotFound:
    again = f"kubemr-shell run JOB.yaml -o {quote(output.uri)} --overwrite"
    return ObjectNotFound(
        f"{output.uri}/{name}: {what}. Put the part back, or make the result again: {again}; a job of a cluster: "
        f"kubemr-shell delete JOB --wait, remove {output.uri}, kubemr-shell submit JOB.yaml"
    )
