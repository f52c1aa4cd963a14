"""What an answer of the API server means: one of our errors for each refusal. Pure.

Which status stands for what was read from the API server's source and tried on a real one: a failed ``test`` is a 422
without causes, a stale resourceVersion a 409, and what comes after a write was sent (5xx, a cut connection) leaves open
whether it has landed.
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
TERMINATING = "NamespaceTerminating"
TOO_LARGE = "etcdserver: request is too large"
UNKNOWN_FIELD = "strict decoding error: "
INSTALL = "kubectl create namespace kubemr; kubemr-shell install | kubectl apply -f - installs it"


def refusal(status: int, body: bytes, retry_after: str | None, *, what: str, writes: bool) -> KubemrError:
    """The error for an answer that is no success. ``what`` names the request: ``patch of TaskShard a/b``."""
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
    if status == 404 and not answer:  # a plain text: no handler has looked for an object
        return UnknownKind(f"{what}: the API server knows no such kind of object: {INSTALL}")
    return MEANINGS.get(status, BoardError)(message)


def _failure(message: str, retry_after: str | None, *, writes: bool) -> KubemrError:
    """Of the server itself; its store refuses what is too large in this way."""
    if TOO_LARGE in message:
        return BoardError(f"{message}; it is over the limit of etcd")
    kind = UnknownAnswer if writes else BoardUnavailable
    return kind(message, retry_after=seconds(retry_after))


def seconds(retry_after: str | None) -> float:
    """What a Retry-After header asks for; 0 without one. API servers send whole seconds."""
    return float(retry_after) if retry_after and retry_after.isdecimal() else 0.0


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _causes(answer: dict[str, Any]) -> list[str]:
    """A document that breaks its schema says where, in each; a failed ``test`` says nothing."""
    details = answer.get("details") or {}
    return [str(cause.get("reason")) for cause in details.get("causes") or ()]
