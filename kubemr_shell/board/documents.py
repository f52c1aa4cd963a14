"""The document store that the board stands on: six methods, and no idea of claims or leases.

A document is a JSON object with ``kind`` and ``metadata`` (``name``, ``uid``, ``resourceVersion``, ``labels``).
A store gives it a ``resourceVersion`` that differs after each change, and a ``uid`` if it has none. The only way to
change one is a JSON Patch (``json_patch``), whose ``test`` operations are the lock. Stores differ in where the
documents are kept, not in any rule: tests/contracts/test_document_store.py runs against each of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from threading import Event
from typing import Any, Literal, Protocol, TypeAlias

from kubemr_shell.errors import BoardError, BoardUnavailable

Document: TypeAlias = dict[str, Any]
Documents: TypeAlias = list[Document]
Operation: TypeAlias = Mapping[str, Any]
ChangeType: TypeAlias = Literal["ADDED", "MODIFIED", "DELETED"]

JOB_LABEL = "turbobytes.com/job"
"""The label that says to which job a document belongs; ``list(kind, job=...)`` selects by it."""

# What a kube-apiserver and its etcd accept. Every store holds to it, so that no job works here and fails there.
MAX_BODY_BYTES = 3 << 20
MAX_DOCUMENT_BYTES = 3 << 19
MAX_OPERATIONS = 10_000

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


class DocumentStore(Protocol):
    """Any method may raise BoardUnavailable or Forbidden, a write UnknownAnswer or OutOfSpace."""

    def create(self, document: Mapping[str, Any]) -> Document:
        """Store a new document and return it as stored; AlreadyExists if its name is taken."""
        ...

    def get(self, kind: str, name: str, *, fresh: bool = True) -> Document:
        """The document; DocumentNotFound. ``fresh=False`` allows an older state, where that is cheaper."""
        ...

    def list(self, kind: str, *, job: str | None = None) -> Documents:
        """All documents of a kind, or those of one job, ordered by name."""
        ...

    def patch(self, kind: str, name: str, operations: Sequence[Operation]) -> Document:
        """Apply all operations at once, or none, and return the document as it is then.

        Conflict when a precondition failed, DocumentNotFound, BoardError for a patch that no state could accept. A
        patch that changes nothing is not a write: the resourceVersion stays.
        """
        ...

    def delete(self, kind: str, name: str) -> None:
        """Remove the document; DocumentNotFound."""
        ...

    def watch(
        self, kind: str, *, since: str | None = None, seconds: float = 60.0, stop: Event | None = None
    ) -> Iterator[tuple[ChangeType, Document]]:
        """The changes after resourceVersion ``since``, in order; without it, first each document as ADDED.

        Ends after ``seconds``, or soon after ``stop`` is set; go on from the last resourceVersion seen. States between
        two looks may be left out, the newest one never is.
        """
        ...


def name_of_new(document: Mapping[str, Any]) -> str:
    """What a document that is to be made is called; BoardError when it is not one."""
    kind, metadata = document.get("kind"), document.get("metadata")
    if not (isinstance(kind, str) and kind and isinstance(metadata, Mapping) and metadata.get("name")):
        raise BoardError("a document needs a kind and a metadata.name")
    if "resourceVersion" in metadata:
        raise BoardError(f"{kind} {metadata['name']}: a new document has no resourceVersion")
    return str(metadata["name"])


def is_older(one: Document, other: Document) -> bool:
    """Whether the first look at a document shows an earlier state than the second."""
    return _version(one) < _version(other)


def in_order(answer: Document, known: Document) -> Document:
    """Return the answer to a write or to a fresh read, which no earlier look can be ahead of.

    BoardUnavailable when one is: the store was set back, as an etcd is that was restored. What this process remembers
    has not happened then, so the process must end, and another one read everything anew.
    """
    if is_older(answer, known):
        raise BoardUnavailable(
            f"{answer['kind']} {answer['metadata']['name']} is older than it was before (resourceVersion "
            f"{_version(answer)} after {_version(known)}): the board was set back, as by a restored etcd; start "
            "anew what has seen its later state (pods of workers are replaced by themselves)"
        )
    return answer


def newer(one: Document, other: Document) -> Document:
    """Of two looks at one document the later one: a cheap read may be older than what was written before it."""
    return max(one, other, key=_version)


def _version(document: Document) -> int:
    return int(document["metadata"]["resourceVersion"])


def check_patch(operations: Sequence[Operation], what: str) -> None:
    """BoardError for a patch that no store takes, whatever it is of; ``what`` names it."""
    encoded(operations, what, MAX_BODY_BYTES)
    if len(operations) > MAX_OPERATIONS:
        raise BoardError(f"{what} has {len(operations)} operations; the limit is {MAX_OPERATIONS}")


def encoded(value: object, what: str, limit: int) -> str:
    """``value`` as canonical JSON in ASCII; BoardError if it is not JSON or has over ``limit`` bytes."""
    try:
        text = _encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise BoardError(f"{what} is not JSON: {error}") from error
    if len(text) > limit:
        raise BoardError(
            f"{what} has {len(text)} bytes; the limit is {limit}: keep the bulk of the data in the storage"
        )
    return text
