"""Reads the beginnings of inputs before they are divided into splits, where a beginning changes the splits.

A compressed object is cut elsewhere than a plain one. So the first bytes of each S3 object that would be cut are read,
which takes a request. Objects that are not cut need none: the task that reads them looks at their first bytes.
``planned_headers`` says whose headers are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kubemr_shell.inputs.file_kind import HEAD_BYTES
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.splits import cuts_by_size, target_size
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_uri import is_s3
from kubemr_shell.waits.retry import LISTING_PATIENCE
from kubemr_shell.waits.waiter import NOBODY, Waiter

if TYPE_CHECKING:
    from kubemr_shell.inputs.records.headers import HeaderFormat


def with_headers(
    objects: Sequence[InputObject],
    headers: HeaderFormat | None,
    *,
    split: SplitSpec,
    parallelism: int,
    folder: str,
    s3: S3Config,
    cancel_fd: int = NOBODY,
) -> tuple[Sequence[InputObject], Mapping[str, bytes]]:
    """Return the inputs with the headers that change the plan, and the headers that the plan has to keep.

    Raise the errors of ``read_headers``.
    """
    if headers is None:
        return objects, {}
    from kubemr_shell.inputs.planned_headers import read_headers

    return read_headers(
        objects, headers, split=split, parallelism=parallelism, folder=folder, s3=s3, cancel_fd=cancel_fd
    )


def with_kinds(
    objects: Sequence[InputObject], *, split: SplitSpec, parallelism: int, s3: S3Config, cancel_fd: int = NOBODY
) -> list[InputObject]:
    """Return the objects. Those that are large enough to be cut get their kind from their first bytes.

    Raise InputError for an object that cannot be read, InputChanged, StorageUnavailable, Forbidden and Cancelled.
    """
    found = list(objects)
    target = target_size(objects, split, parallelism)
    places = [
        place
        for place, item in enumerate(found)
        if cuts_by_size(split) and is_s3(item.uri) and item.size is not None and item.size >= target
    ]
    if not places:
        return found
    from kubemr_shell.inputs.planned_file import read_each
    from kubemr_shell.inputs.records import recognition
    from kubemr_shell.inputs.s3_listing import head_of_object

    def look(item: InputObject, waiter: Waiter) -> InputObject:
        # The larger head costs no further request, and shows the format of the records too.
        text = head_of_object(item, recognition.HEAD_BYTES, s3, LISTING_PATIENCE, waiter)
        seen = item.looked_at(text[:HEAD_BYTES])
        return seen if seen.codec != "none" else replace(seen, recognised=recognition.recognised(text, item.uri))

    answers = read_each([found[place] for place in places], look, Waiter(cancel_fd))
    for place, answer in zip(places, answers, strict=True):
        found[place] = answer
    return found
