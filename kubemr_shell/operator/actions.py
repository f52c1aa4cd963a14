"""What the operator may do about a job. Values: ``act`` carries them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from kubemr_shell.board.documents import Operation
from kubemr_shell.board.json_patch import replace, test
from kubemr_shell.kube.resources import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Make an object of this job; that it is there already is as good."""

    resource: Resource
    document: Mapping[str, Any]
    contested: bool = False
    """That it is there as another job's is as good: whose it is decides what is done next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """Change an object by a JSON Patch; one that is refused is decided again."""

    resource: Resource
    name: str
    operations: Sequence[Operation]
    status: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Remove an object of this uid; that it is gone already is as good."""

    resource: Resource
    name: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAll:
    """Remove all objects of a kind that have these labels; that there is none is as good."""

    resource: Resource
    labels: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """An Event of the job. ``reason`` in one word; the same one again only raises its count."""

    reason: str
    message: str
    warning: bool = False


def unchanged(seen: Mapping[str, Any]) -> list[Operation]:
    """What begins a patch of an object that must be as it was seen."""
    metadata = seen["metadata"]
    return [test("/metadata/uid", metadata["uid"]), replace("/metadata/resourceVersion", metadata["resourceVersion"])]


Action: TypeAlias = Create | Patch | Delete | DeleteAll | Tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """In this order, as far as none is refused; then look again after so many seconds, or when something changes."""

    actions: Sequence[Action] = ()
    again_after: float | None = None
