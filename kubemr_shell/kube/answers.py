"""The meaning of the answers of the API server: one of our errors for each refusal. Pure.

The meaning of each status comes from the API server's source and from tests on a real server. A failed ``test`` of a
JSON Patch is a 422 without causes. A stale resourceVersion is a 409. After a 5xx or a cut connection, it is unknown
whether a write has been applied.
"""

from __future__ import annotations

import json
from typing import Any

from kubemr_shell.errors import (
    AlreadyExists,
    BoardError,
    BoardUnavailable,
    Conflict,
    DocumentNotFound,
    Expired,
    Forbidden,
    KubemrError,
    NamespaceTerminating,
    UnknownAnswer,
    UnknownField,
    UnknownKind,
)

MEANINGS: dict[int, type[KubemrError]] = {401: Forbidden, 403: Forbidden, 404: DocumentNotFound, 410: Expired}
"""The errors for the statuses that have only one meaning."""
TERMINATING = "NamespaceTerminating"
"""The reason of a cause if the namespace is being deleted."""
TOO_LARGE = "etcdserver: request is too large"
"""The part of a message by which etcd refuses a document of more than its limit."""
UNKNOWN_FIELD = "strict decoding error: "
"""The text before the fields that the API server does not know, with ``fieldValidation=Strict``."""
INSTALL = "kubectl create namespace kubemr; kubemr-shell install | kubectl apply -f - installs it"
"""The advice for a cluster without our kinds of objects."""


def refusal(status: int, body: bytes, retry_after: str | None, *, what: str, writes: bool) -> KubemrError:
    """Return the error for an answer that is not a success. ``what`` names the request: ``patch of TaskShard a/b``."""
    answer = _parsed(body)
    reason = str(answer.get("reason", ""))
    message = f"{what}: {answer.get('message') or f'HTTP status {status}'}"
    if status >= 500:
        return _failure(message, retry_after, writes=writes)
    if status == 409:
        return AlreadyExists(message) if reason == "AlreadyExists" else Conflict(message)
    if status in (400, 422) and UNKNOWN_FIELD in message:
        return UnknownField(message.partition(UNKNOWN_FIELD)[2])
    if status == 422:
        return BoardError(message) if _causes(answer) else Conflict(message)
    if status == 429:
        return BoardUnavailable(message, retry_after=seconds(retry_after))
    if status == 403 and TERMINATING in _causes(answer):
        return NamespaceTerminating(message)
    if status == 404 and not answer:  # plain text: no handler has looked for an object
        return UnknownKind(f"{what}: the API server knows no such kind of object: {INSTALL}")
    return MEANINGS.get(status, BoardError)(message)


def _failure(message: str, retry_after: str | None, *, writes: bool) -> KubemrError:
    """Return the error for a 5xx. By a 5xx, the server also reports that etcd refuses a document as too large."""
    if TOO_LARGE in message:
        return BoardError(f"{message}; it is over the limit of etcd")
    kind = UnknownAnswer if writes else BoardUnavailable
    return kind(message, retry_after=seconds(retry_after))


def seconds(retry_after: str | None) -> float:
    """Return the seconds of a Retry-After header; 0 without one. API servers send whole seconds."""
    return float(retry_after) if retry_after and retry_after.isdecimal() else 0.0


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _causes(answer: dict[str, Any]) -> list[str]:
    """Return the reasons of the causes: one for each violation of a schema, and none for a failed ``test``."""
    details = answer.get("details") or {}
    return [str(cause.get("reason")) for cause in details.get("causes") or ()]
