"""Refuses inputs that a job without the field ``records`` would cut within a record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubemr_shell.errors import InputError, KubemrError
from kubemr_shell.inputs.compression import content_of
from kubemr_shell.inputs.file_kind import ARCHIVES
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.planned_file import opened
from kubemr_shell.inputs.problems import all_of
from kubemr_shell.inputs.records.recognition import HEAD_BYTES, LINES, NUL, Recognised, recognised, refusal
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.storage.locate import scheme_of
from kubemr_shell.waits.threads import in_threads
from kubemr_shell.waits.waiter import Waiter

READS_AT_ONCE = 16
"""The number of inputs behind URLs and in S3 whose first bytes are read at the same time."""


def refuse_unnamed_records(objects: Sequence[InputObject], *, folder: str, s3: S3Config, cancel_fd: int) -> None:
    """Raise InputError if an input, which would be cut between any two lines, has records of several lines.

    ``folder`` is the folder of relative names. Raise the errors of ``opened`` too.
    """

    def problem(item: InputObject, waiter: Waiter) -> KubemrError | None:
        waiter.check()
        try:
            found = item.recognised or _recognised(item, folder, s3, waiter)
            if found == NUL and not _ends_with_nul(item, folder, s3, waiter):
                found = LINES
        except KubemrError as error:
            return error
        return InputError(refusal(found, item.uri)) if found != LINES else None

    waiter = Waiter(cancel_fd)
    remote = [item for item in objects if scheme_of(item.uri) != "file"]
    local = (problem(item, waiter) for item in objects if scheme_of(item.uri) == "file")
    answers = [*in_threads(problem, remote, at_once=READS_AT_ONCE, waiter=waiter), *local]
    if errors := [answer for answer in answers if answer is not None]:
        raise all_of(errors)


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
    if item.codec != "none":
        content = content_of(blocks, item.uri)
        if content.kind in ARCHIVES:
            return b""
        blocks = content.chunks
    head = bytearray()
    for block in blocks:
        head += block
        if len(head) >= HEAD_BYTES:
            break
    return bytes(head[:HEAD_BYTES])
