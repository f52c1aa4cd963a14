"""Refuses an output, or a place for temporaries, that a job would read as its own input."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase

from kubemr_shell.errors import UsageError
from kubemr_shell.inputs.braces import TooManyNames, expanded
from kubemr_shell.inputs.key_pattern import KeyPattern
from kubemr_shell.inputs.local_files import is_listed_literally
from kubemr_shell.job.names import COMPRESSED_SUFFIXES, part_name
from kubemr_shell.net.s3_uri import is_s3, split_uri

_UID = "0" * 32
_KEPT_IN_TMP = (
    f"{_UID}/plan/0.splits-00000.jsonl",
    f"{_UID}/journal/map-00000.0.json",
    f"{_UID}/journal/map-00000.0.manifest",
    f"{_UID}/map/0.0",
)
"""Examples of the names that jobs use below ``--tmp``, to be matched against inputs."""


def check_apart(output: str, inputs: tuple[str, ...], folder: str) -> None:
    """Raise UsageError if the output is at or under an input: the job would read its own output.

    In S3 the names alone decide.
    """
    parts = [part_name(0, compression) for compression in ("none", *COMPRESSED_SUFFIXES)] if is_s3(output) else []
    for place in (output, *(f"{output}/{part}" for part in parts)):
        _check_apart(place, f"the output {output}", inputs, folder)


def check_tmp_apart(tmp: str, inputs: tuple[str, ...], folder: str) -> None:
    """Raise UsageError if an input would name the files that jobs keep in ``--tmp``.

    Otherwise a second planner would read the plan of the first planner as an input.
    """
    for name in _KEPT_IN_TMP:
        _check_apart(f"{tmp}/{name}", f"--tmp {tmp}", inputs, folder)


def _check_apart(place: str, called: str, inputs: tuple[str, ...], folder: str) -> None:
    is_in, kind = (_is_prefix_in, "prefix") if is_s3(place) else (_is_folder_in, "folder")
    for uri in inputs:
        if any(is_in(place, name, folder) for name in _meanings(uri)):
            raise UsageError(f"{called} is at or under the input {uri}: choose a {kind} outside it")


def _meanings(uri: str) -> list[str]:
    """Return an input, and the names that its braces stand for."""
    try:
        return [uri, *(expansion.name for expansion in expanded(uri))] if "{" in uri else [uri]
    except TooManyNames:  # the listing reports this error
        return [uri]


def _is_folder_in(output: str, uri: str, folder: str) -> bool:
    path = uri.removeprefix("file://")
    if "://" in path or path == "-":
        return False
    place, source = os.path.realpath(output), os.path.realpath(os.path.join(folder, path))
    is_under = os.path.isdir(source) and place.startswith(source.rstrip("/") + "/")
    return place == source or is_under or (not is_listed_literally(source) and _is_named(place, source))


def _is_prefix_in(output: str, uri: str, _: str) -> bool:
    """Return whether an S3 prefix is at or under an input. The input may be a pattern for the prefix or its parents."""
    if not is_s3(uri):
        return False
    place, source = (split_uri(name) for name in (output, uri))
    if place[0] != source[0]:
        return False
    key, pattern = place[1], source[1]
    is_under = f"{key}/".startswith(pattern if pattern.endswith("/") or not pattern else f"{pattern}/")
    return is_under or KeyPattern(pattern).matches(key)


def _is_named(place: str, pattern: str) -> bool:
    """Return whether a pattern matches a path or one of its parent folders, whatever exists now."""

    def fits(names: list[str], parts: list[str]) -> bool:
        if not parts:
            return True
        if parts[0] == "**":
            return any(fits(names[count:], parts[1:]) for count in range(len(names) + 1))
        return bool(names) and fnmatchcase(names[0], parts[0]) and fits(names[1:], parts[1:])

    return fits(place.split("/"), pattern.split("/"))
