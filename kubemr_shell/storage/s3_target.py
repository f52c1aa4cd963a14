"""The comparison of an object at the target of an output with the output. Pure.

An upload has the job and the attempt as metadata. The object keeps this metadata when the upload is completed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto

from kubemr_shell.storage.interface import Receipt

OWNER = "kubemr"
"""The name of the metadata that names the job and the attempt of a published object."""
_ATTEMPT = re.compile(r"(.+/[0-9]+\.)([0-9]+)")


class Standing(Enum):
    """The kind of object at the target of an output."""

    NOTHING = auto()
    """No object is there."""
    PUBLISHED = auto()
    """The output itself is there."""
    EARLIER = auto()
    """The output of an earlier attempt of the same task of the same job. It was taken for lost, and is replaced."""
    LATER = auto()
    """The output of a later attempt of the same task of the same job. The worker that publishes now is too late."""
    OLDER = auto()
    """Another object that a job of kubemr-shell has published."""
    FOREIGN = auto()
    """An object that no job of kubemr-shell has published."""


def owner_of(staged: str) -> str:
    """Return the owner ``<job uid>/<attempt>`` of the staged output ``…/<job uid>/<folder>/<attempt>``."""
    *_, uid, _, attempt = staged.split("/")
    return f"{uid}/{attempt}"


def owner_in(metadata: Mapping[str, str]) -> str | None:
    """Return the owner that an object's metadata names, or None. Servers write names of headers in any case."""
    return next((value for name, value in metadata.items() if name.lower() == OWNER), None)


def standing(receipt: Receipt, *, owner: str | None, size: int) -> Standing:
    """Return the standing of an object with this owner (from its metadata) and size (in bytes)."""
    ours = owner_of(receipt.staged)
    if owner is None:
        return Standing.FOREIGN
    if owner == ours:
        return Standing.PUBLISHED if size == receipt.bytes else Standing.OLDER
    mine, theirs = _ATTEMPT.fullmatch(ours), _ATTEMPT.fullmatch(owner)
    if mine is None or theirs is None or mine[1] != theirs[1]:
        return Standing.OLDER
    return Standing.EARLIER if int(theirs[2]) < int(mine[2]) else Standing.LATER
