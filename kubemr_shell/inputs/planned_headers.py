"""Reads the headers of inputs while a job is planned, where they change the plan.

A header is read if the input would be cut, because each cut must lie behind the header and later pieces need it. If
tasks repeat the header, the headers of small inputs are read too, because inputs share a task only if their headers are
equal. All other inputs, and all inputs of groups, are read whole, by a task that finds the headers itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.planned_file import content_blocks, opened, read_each
from kubemr_shell.inputs.records.headers import HeaderFormat, whole_line
from kubemr_shell.inputs.splits import cuts_by_size, is_cut, is_packed, target_size
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Header
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.waits.waiter import Waiter


def read_headers(
    objects: Sequence[InputObject],
    headers: HeaderFormat,
    *,
    split: SplitSpec,
    parallelism: int,
    folder: str,
    s3: S3Config,
    cancel_fd: int,
) -> tuple[list[InputObject], dict[str, bytes]]:
    """Return the inputs with their headers, and the headers that tasks get from the plan, by their names.

    ``folder`` is the folder of relative names.

    Raise InputError for an input that cannot be read or whose header cannot be found, InputChanged, StorageUnavailable,
    Forbidden and Cancelled.
    """
    # The readers of a compressed input that is cut do not know where in its blocks the header ends.
    found = [item if item.codec == "none" else replace(item, splittable=False) for item in objects]
    target = target_size(objects, split, parallelism)
    reader = _Reader(headers, folder, s3)
    needed = [place for place, item in enumerate(found) if _is_needed(item, split, target, headers)]
    answers = read_each([found[place] for place in needed], reader.read, Waiter(cancel_fd))
    contents: dict[str, bytes] = {}
    for place, (item, header) in zip(needed, answers, strict=True):
        if headers.is_repeated and item.records_start and is_cut(item, target):
            assert item.header is not None
            contents.setdefault(item.header.name, header)
        found[place] = item
    return found, contents


def _is_needed(item: InputObject, split: SplitSpec, target: int, headers: HeaderFormat) -> bool:
    if not item.size:
        return False
    if item.encoding:  # in such a text no header can be found, which is an error
        return True
    if not cuts_by_size(split):  # no header changes which files are a task
        return False
    return is_cut(item, target) or (headers.is_repeated and is_packed(item, split, target))


class _Reader:
    """A reader of the headers of inputs. ``folder`` is the folder of relative names."""

    def __init__(self, headers: HeaderFormat, folder: str, s3: S3Config) -> None:
        self._headers = headers
        self._folder = folder
        self._s3 = s3

    def read(self, item: InputObject, waiter: Waiter) -> tuple[InputObject, bytes]:
        """Return the input with its header, and the header."""
        with opened(item, self._folder, self._s3, waiter) as blocks:
            content = content_blocks(item, blocks)
            if content is None:
                return replace(item, alone=True), b""  # the task compares the headers of the members
            header, _ = self._headers.split(content, item.uri)
        if header is None:
            return item, b""
        name = hashlib.sha256(whole_line(header)).hexdigest()[:32] if self._headers.is_repeated else ""
        return replace(item, header=Header(name=name, size=len(header))), header
