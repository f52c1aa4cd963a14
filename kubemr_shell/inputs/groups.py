"""Divides the inputs into splits by their names: files that belong together are one split. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from kubemr_shell.errors import InputError
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.splits import whole_piece
from kubemr_shell.job.names import input_name
from kubemr_shell.job.split import Split
from kubemr_shell.shown import shown


def splits_by_group(objects: Sequence[InputObject], pattern: str, *, are_files: bool = False) -> Iterator[Split]:
    """Yield one split for each group of inputs, in the order in which the groups appear.

    The inputs of a group have the same text in the first group of the regular expression ``pattern``, which is searched
    in the whole path or URI. Raise InputError for an input that does not match, or
    cannot be read with others. With ``are_files``, the inputs of a group go to one folder, so their names must differ.
    """
    groups: dict[str, list[InputObject]] = {}
    search = re.compile(pattern).search
    for item in objects:
        found = search(item.uri)
        if found is None or found[1] is None:
            raise InputError(
                f"{shown(item.uri)}: does not match split.group (--group) {shown(pattern)}, so it is in no group: "
                "change the regular expression, or name only the inputs that match"
            )
        groups.setdefault(found[1], []).append(item)
    for members in groups.values():
        members.sort(key=lambda item: os.fsencode(item.uri))
        if len(members) > 1:
            _check(members)
            if are_files:
                _check_names(members)
        yield Split(pieces=tuple(map(whole_piece, members)))


def _check_names(members: Sequence[InputObject]) -> None:
    """Check that the inputs of a group can be in one folder."""
    first: dict[str, str] = {}
    for item in members:
        name = input_name(item.uri)
        if first.setdefault(name, item.uri) != item.uri:
            raise InputError(
                f"{shown(item.uri)}: has the name of {shown(first[name])}, and both would be in the folder of one task "
                "(split.feed: files): rename one, or change split.group so that they are in different groups"
            )


def _check(members: Sequence[InputObject]) -> None:
    """Check that the inputs of a group can share a task."""
    for item in members:
        if "\n" in item.uri:
            raise InputError(
                f"{shown(item.uri)}: has a line break in its name, and a list of the files of a task has one name in "
                "each line: rename the file, or change split.group so that it is alone"
            )
        if item.encoding:
            raise InputError(
                f"{shown(item.uri)}: is in UTF-16 or UTF-32 by its byte order mark, and cannot follow other files on "
                "stdin: convert it to UTF-8, or change split.group so that it is alone"
            )
