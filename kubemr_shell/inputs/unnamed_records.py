"""Refuses inputs that a job without the field ``records`` would cut within a record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubemr_shell.errors import InputError
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.planned_file import content_blocks, opened, read_each
from kubemr_shell.inputs.records.recognition import HEAD_BYTES, MAY_BE_LINES, NUL, Recognised, recognised, refusal
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.waits.waiter import Waiter


def refuse_unnamed_records(objects: Sequence[InputObject], *, folder: str, s3: S3Config, cancel_fd: int) -> None:
    """Raise InputError if an input, which would be cut between any two lines, has records of several lines.

    ``folder`` is the folder of relative names. Raise the errors of ``opened`` too.
    """

    def check(item: InputObject, waiter: Waiter) -> None:
        found = item.recognised or _recognised(item, folder, s3, waiter)
        if found == NUL and not _ends_with_nul(item, folder, s3, waiter):
            found = MAY_BE_LINES
        if found != MAY_BE_LINES:
            raise InputError(refusal(found, item.uri))

    read_each(objects, check, Waiter(cancel_fd))


def _recognised(item: InputObject, folder: str, s3: S3Config, waiter: Waiter) -> Recognised:
    with opened(item, folder, s3, waiter) as blocks:
        return recognised(_head(item, blocks), item.uri)


def _ends_with_nul(item: InputObject, folder: str, s3: S3Config, waiter: Waiter) -> bool:
    """Return whether the last byte of an input is NUL. Of a compressed input, this is not known."""
    if item.codec != "none" or not item.size:
        return False
    with opened(item, folder, s3, waiter, start=item.size - 1) as blocks:
        return b"".join(blocks) == b"\0"


def _head(item: InputObject, blocks: Iterable[bytes]) -> bytes:
    """Return the first HEAD_BYTES bytes of the content of an input, or nothing for an archive."""
    head = bytearray()
    for block in content_blocks(item, blocks) or ():
        head += block
        if len(head) >= HEAD_BYTES:
            break
    return bytes(head[:HEAD_BYTES])
