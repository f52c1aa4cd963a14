"""The interface of the document store below the board: six methods that know nothing of claims or leases.

A document is a JSON object with ``kind`` and ``metadata`` (``name``, ``uid``, ``resourceVersion``, ``labels``). The
store gives each document a ``resourceVersion``, which differs after each change, and a ``uid`` if the document has
none. Only a JSON Patch (``json_patch``) changes a document; its ``test`` operations are the lock. Stores differ in the
place of the documents, not in any rule: tests/contracts/test_document_store.py runs against each store.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from threading import Event
from typing import Any, Literal, Protocol, TypeAlias

from kubemr_shell.errors import BoardError, BoardUnavailable

Document: TypeAlias = dict[str, Any]
"""A JSON object of a store."""
Documents: TypeAlias = list[Document]
"""A list of documents; ``list`` alone is a method of the store."""
Operation: TypeAlias = Mapping[str, Any]
"""An operation of a JSON Patch."""
ChangeType: TypeAlias = Literal["ADDED", "MODIFIED", "DELETED"]
"""The kind of a change that ``watch`` reports."""

JOB_LABEL = "turbobytes.com/job"
"""The label with the name of the job of a document; ``list(kind, job=...)`` selects by this label."""

# The limits of a kube-apiserver and its etcd. Every store keeps to them, so that no job works in one store only.
MAX_BODY_BYTES = 3 << 20
"""The greatest size of a patch, in bytes of JSON."""
MAX_DOCUMENT_BYTES = 3 << 19
"""The greatest size of a document, in bytes of JSON."""
MAX_OPERATIONS = 10_000
"""The greatest number of operations in a patch."""

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


class DocumentStore(Protocol):
    """A store of JSON documents.

    Every method may raise BoardUnavailable or Forbidden. A write may also raise UnknownAnswer or OutOfSpace.
    """

    def create(self, document: Mapping[str, Any]) -> Document:
        """Store a new document and return it as stored. Raise AlreadyExists if its name is taken."""
        ...

    def get(self, kind: str, name: str, *, fresh: bool = True) -> Document:
        """Return a document. With ``fresh=False``, the store may return an older state if that is cheaper.

        Raise DocumentNotFound if there is no document of that name.
        """
        ...

    def list(self, kind: str, *, job: str | None = None) -> Documents:
        """Return all documents of a kind, or only the documents of one job, ordered by name."""
        ...

    def patch(self, kind: str, name: str, operations: Sequence[Operation]) -> Document:
        """Apply all operations at once, or none, and return the patched document.

        A patch that changes nothing is not a write: the resourceVersion stays. Raise Conflict if a precondition fails,
        DocumentNotFound if there is no such document, and BoardError for a patch that no state could accept.
        """
        ...

    def delete(self, kind: str, name: str) -> None:
        """Remove a document. Raise DocumentNotFound if there is no document of that name."""
        ...

    def watch(
        self, kind: str, *, since: str | None = None, seconds: float = 60.0, stop: Event | None = None
    ) -> Iterator[tuple[ChangeType, Document]]:
        """Yield the changes after the resourceVersion ``since``, in order.

        Without ``since``, first yield each document as ADDED. The watch ends after ``seconds``, or soon after ``stop``
        is set; to continue, pass the last resourceVersion seen. The watch may leave out states between two changes,
        but never the newest state.
        """
        ...


def name_of_new(document: Mapping[str, Any]) -> str:
    """Return the name of a document that is to be created. Raise BoardError if it is not a valid new document."""
    kind, metadata = document.get("kind"), document.get("metadata")
    if not (isinstance(kind, str) and kind and isinstance(metadata, Mapping) and metadata.get("name")):
        raise BoardError("a document needs a kind and a metadata.name")
    if "resourceVersion" in metadata:
        raise BoardError(f"{kind} {metadata['name']}: a new document has no resourceVersion")
    return str(metadata["name"])


def is_older(one: Document, other: Document) -> bool:
    """Return whether ``one`` is an earlier state of a document than ``other``."""
    return _version(one) < _version(other)


def in_order(answer: Document, known: Document) -> Document:
    """Return the answer to a write or to a fresh read. The answer must not be older than ``known``.

    Raise BoardUnavailable if the answer is older: the store was set back, as a restored etcd is. The store has then
    lost changes that this process remembers. So the process must end, and a new process must read everything again.
    """
    if is_older(answer, known):
        raise BoardUnavailable(
            f"{answer['kind']} {answer['metadata']['name']} is older than it was before (resourceVersion "
            f"{_version(answer)} after {_version(known)}): the board was set back, as by a restored etcd; restart "
            "every process that has seen the later state (Kubernetes replaces the pods of workers by itself)"
        )
    return answer


def newer(one: Document, other: Document) -> Document:
    """Return the later of two states of a document: a cheap read may be older than an earlier write."""
    return max(one, other, key=_version)


def _version(document: Document) -> int:
    return int(document["metadata"]["resourceVersion"])


def check_patch(operations: Sequence[Operation], what: str) -> None:
    """Raise BoardError for a patch that no store accepts for any document; ``what`` names it in the message."""
    encoded(operations, what, MAX_BODY_BYTES)
    if len(operations) > MAX_OPERATIONS:
        raise BoardError(f"{what} has {len(operations)} operations; the limit is {MAX_OPERATIONS}")


def encoded(value: object, what: str, limit: int) -> str:
    """Return ``value`` as canonical JSON in ASCII. Raise BoardError if it is not JSON or exceeds ``limit`` bytes."""
    try:
        text = _encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise BoardError(f"{what} is not JSON: {error}") from error
    if len(text) > limit:
        raise BoardError(
            f"{what} has {len(text)} bytes; the limit is {limit}: keep the bulk of the data in the storage"
        )
    return text
