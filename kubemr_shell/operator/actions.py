"""The actions that the operator may decide on for a job. They are plain values: ``act`` carries them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from kubemr_shell.board.stores.documents import Operation
from kubemr_shell.board.stores.json_patch import replace, test
from kubemr_shell.kube.resources import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """An action that creates an object of the job. It also succeeds if the job already has the object."""

    resource: Resource
    document: Mapping[str, Any]
    contested: bool = False
    """True if the action also succeeds when the object belongs to another job. The next decision reads the owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """An action that changes an object by a JSON Patch. If the patch is refused, the operator decides again."""

    resource: Resource
    name: str
    operations: Sequence[Operation]
    status: bool = False
    """True if the patch changes the status of the object, which is a subresource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """An action that deletes the object with this uid. It also succeeds if the object is gone."""

    resource: Resource
    name: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAll:
    """An action that deletes all objects of a kind that match a label selector. It also succeeds if none does."""

    resource: Resource
    labels: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """An action that records an Event of the job. ``reason`` is one word. An equal Event only raises the count."""

    reason: str
    message: str
    warning: bool = False


def unchanged(seen: Mapping[str, Any]) -> list[Operation]:
    """Return the operations that make a patch fail if the object has changed since it was seen."""
    metadata = seen["metadata"]
    return [test("/metadata/uid", metadata["uid"]), replace("/metadata/resourceVersion", metadata["resourceVersion"])]


Action: TypeAlias = Create | Patch | Delete | DeleteAll | Tell
"""A change that the operator decides on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The actions for one job, in their order, and the time of the next reconciliation.

    If an action is refused, the later ones are not carried out. The operator reconciles the job again after
    ``again_after`` seconds, or earlier if something changes.
    """

    actions: Sequence[Action] = ()
    again_after: float | None = None
