"""What stands where an output is to appear, and what publishing does about it. Pure.

An upload has the job and the attempt as metadata, which the object keeps when it is completed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto

from kubemr_shell.storage.interface import Receipt

OWNER = "kubemr"
"""The name of the metadata by which a published object is known as an attempt's."""
_ATTEMPT = re.compile(r"(.+/[0-9]+\.)([0-9]+)")


class Standing(Enum):
    """What stands at the target of an output."""

    NOTHING = auto()
    PUBLISHED = auto()
    """This very output."""
    EARLIER = auto()
    """An earlier attempt of the same task of the same job: it was taken for lost, and is to be replaced."""
    LATER = auto()
    """A later attempt of the same task of the same job. Who wants to publish this one is late."""
    OLDER = auto()
    """Something else that a job of ours has published."""
    FOREIGN = auto()


def owner_of(staged: str) -> str:
    """``<job uid>/<attempt>``, from the name ``…/<job uid>/<folder>/<attempt>`` of a staged output."""
    *_, uid, _, attempt = staged.split("/")
    return f"{uid}/{attempt}"


def owner_in(metadata: Mapping[str, str]) -> str | None:
    """Return the owner that an object's metadata names. Servers write the names of headers in any case."""
    return next((value for name, value in metadata.items() if name.lower() == OWNER), None)


def standing(receipt: Receipt, *, owner: str | None, size: int) -> Standing:
    """``owner`` is what the object's metadata says."""
    ours = owner_of(receipt.staged)
    if owner is None:
        return Standing.FOREIGN
    if owner == ours:
        return Standing.PUBLISHED if size == receipt.bytes else Standing.OLDER
    mine, theirs = _ATTEMPT.fullmatch(ours), _ATTEMPT.fullmatch(owner)
    if mine is None or theirs is None or mine[1] != theirs[1]:
        return Standing.OLDER
    return Standing.EARLIER if int(theirs[2]) < int(mine[2]) else Standing.LATER
