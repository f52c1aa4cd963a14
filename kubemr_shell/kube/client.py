"""Requests to a Kubernetes API server, as JSON, with our errors.

A request is sent once: who asks again is decided above.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import urllib3

from kubemr_shell.errors import BoardUnavailable, UnknownAnswer
from kubemr_shell.kube.answers import refusal
from kubemr_shell.kube.connection import (
    CONNECTIONS,
    Connection,
    NoCredentials,
    has_kubeconfig,
    is_pod,
    namespace_of_pod,
    of_pod,
)
from kubemr_shell.kube.resources import Resource
from kubemr_shell.kube.server_clock import ServerClock

Object = dict[str, Any]

CONNECT_SECONDS = 5.0
READ_SECONDS = 45.0
"""Longer than the 34 s after which an API server gives up a patch by itself."""
PAGE_BYTES = 4 << 20
"""The size of a page of a list, about: read into Python objects it takes some four times as much memory."""
FIRST_PAGE_ITEMS = 20
"""The number of objects of the first page, from whose size that of the next ones follows."""
MOST_PAGE_ITEMS = 500
FIELD_MANAGER = "kubemr"
JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRICT = {"fieldValidation": "Strict"}


class KubeClient:
    """Any number of threads may use it. ``namespace`` is the one of the context, or of the pod."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self.namespace = namespace
        self._connection = connection
        self._clock = ServerClock()
        self._heard: Callable[[str, str, float], None] = lambda _method, _code, _seconds: None

    def report_to(self, heard: Callable[[str, str, float], None]) -> None:
        """Have ``heard`` told of each request: its method, the status code, and the seconds to its first byte.

        The method of a watch is WATCH. The code of a request without an answer is ``none``.
        """
        self._heard = heard

    @classmethod
    def from_kubeconfig(
        cls, path: str | None, context: str | None, namespace: str | None, *, connections: int = CONNECTIONS
    ) -> KubeClient:
        """As kubectl does: ``None`` is the default of each."""
        from kubemr_shell.kube.kubeconfig import of_kubeconfig  # noqa: PLC0415 - pods have none, and do not pay for it

        connection, of_context = of_kubeconfig(path, context, connections=connections)
        return cls(connection, namespace or of_context)

    @classmethod
    def of_user(
        cls, path: str | None, context: str | None, namespace: str | None, environ: Mapping[str, str]
    ) -> KubeClient:
        """By a kubeconfig; in a pod that has none, and where none is asked for, with the pod's account."""
        if path is None and context is None and is_pod() and not has_kubeconfig(environ):
            return cls(of_pod(environ), namespace or namespace_of_pod())
        return cls.from_kubeconfig(path, context, namespace)

    @classmethod
    def of_program(cls, kubeconfig: str | None, namespace: str | None, environ: Mapping[str, str]) -> KubeClient:
        """For what runs in a pod, whose environment this is, and elsewhere with a kubeconfig."""
        if kubeconfig:
            return cls.from_kubeconfig(kubeconfig, None, namespace)
        return cls(of_pod(environ), namespace or "")

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._connection.server

    def server_time(self) -> float | None:
        """What its clock says, in seconds since 1970, by its last answer; None before the first."""
        return self._clock.now()

    def create(
        self, resource: Resource, namespace: str | None, document: Mapping[str, Any], *, strict: bool = False
    ) -> Object:
        """``strict``: UnknownField where the server would drop what it does not know."""
        name = document["metadata"].get("name") or document["metadata"].get("generateName")
        what = f"creation of {resource.kind} {name}"
        whole = {"apiVersion": resource.api_version, "kind": resource.kind, **document}
        return self._ask("POST", resource.path(namespace), what, query=STRICT if strict else {}, body=whole)

    def get(self, resource: Resource, namespace: str | None, name: str, *, fresh: bool = True) -> Object:
        """``fresh=False``: from the API server's memory, which may be some moments old."""
        query = {} if fresh else {"resourceVersion": "0"}
        return self._ask("GET", resource.path(namespace, name), f"{resource.kind} {name}", query=query)

    def list(
        self, resource: Resource, namespace: str | None, *, labels: str = "", fields: str = "", fresh: bool = True
    ) -> Object:
        """The whole list, with ``metadata.resourceVersion`` and ``items``."""
        query = selectors(labels, fields)
        if not fresh:
            query["resourceVersion"] = "0"
        return self._ask("GET", resource.path(namespace), f"list of {resource.plural}", query=query)

    def pages(
        self, resource: Resource, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> Iterator[Object]:
        """Yield a whole list in parts of about ``PAGE_BYTES``, all of one resourceVersion.

        Expired: the caller took so long that the server has forgotten that version.
        """
        query, limit = selectors(labels, fields), FIRST_PAGE_ITEMS
        what = f"list of {resource.plural}"
        while True:
            data = self._fetch("GET", resource.path(namespace), what, query={**query, "limit": str(limit)})
            page = self._parsed(data, what, writes=False)
            yield page
            following = page["metadata"].get("continue")
            if not following:
                return
            query["continue"] = following
            limit = max(1, min(MOST_PAGE_ITEMS, len(page["items"]) * PAGE_BYTES // len(data)))

    def patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        change: Sequence[Mapping[str, Any]] | Mapping[str, Any],
        *,
        status: bool = False,
        strict: bool = False,
    ) -> Object:
        """A JSON Patch (a list), or a merge patch (a mapping), of the object or of its status alone; see ``create``."""
        path = resource.path(namespace, name, "status" if status else None)
        kind = MERGE_PATCH if isinstance(change, Mapping) else JSON_PATCH
        what, query = f"patch of {resource.kind} {name}", STRICT if strict else {}
        return self._ask("PATCH", path, what, query=query, body=change, content_type=kind)

    def delete(
        self, resource: Resource, namespace: str | None, name: str, *, options: Mapping[str, Any] | None = None
    ) -> None:
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background", **(options or {})}
        self._ask("DELETE", resource.path(namespace, name), f"deletion of {resource.kind} {name}", body=body)

    def delete_all(self, resource: Resource, namespace: str, *, labels: str) -> None:
        """Delete the objects that have these labels, in one request."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        what = f"deletion of the {resource.plural} with {labels}"
        self._ask("DELETE", resource.path(namespace), what, query=selectors(labels, ""), body=body)

    def get_text(self, path: str, what: str, query: Mapping[str, str] | None = None) -> str:
        """An answer that is no JSON, such as the log of a pod."""
        with self._open("GET", path, what, query=query or {}) as answer:
            return bytes(answer.data).decode("utf-8", "backslashreplace")

    def open_stream(
        self, path: str, what: str, query: Mapping[str, str], *, idle_seconds: float
    ) -> urllib3.BaseHTTPResponse:
        """An answer that goes on. Reading it fails when ``idle_seconds`` pass without a byte."""
        return self._open("GET", path, what, query=query, read_seconds=idle_seconds)

    def _ask(
        self,
        method: str,
        path: str,
        what: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = JSON,
    ) -> Object:
        data = self._fetch(method, path, what, query=query, body=body, content_type=content_type)
        return self._parsed(data, what, writes=method != "GET")

    def _fetch(
        self,
        method: str,
        path: str,
        what: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = JSON,
    ) -> bytes:
        """Return the whole body of an answer."""
        with self._open(method, path, what, query=query or {}, body=body, content_type=content_type) as answer:
            try:
                return bytes(answer.data)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise self._cut(error, what, writes=method != "GET") from error

    def _parsed(self, data: bytes, what: str, *, writes: bool) -> Object:
        try:
            document: Object = json.loads(data)
        except ValueError as error:
            raise self._cut(error, what, writes=writes) from error
        return document

    def _open(
        self,
        method: str,
        path: str,
        what: str,
        *,
        query: Mapping[str, str],
        body: object = None,
        content_type: str = JSON,
        read_seconds: float = READ_SECONDS,
    ) -> urllib3.BaseHTTPResponse:
        writes = method != "GET"
        began, code = time.monotonic(), "none"
        parameters = list(query.items())
        if method in ("POST", "PATCH"):
            parameters.append(("fieldManager", FIELD_MANAGER))
        try:
            answer = self._connection.pool.request(
                method,
                f"{self.server}{path}?{urlencode(parameters)}",
                body=None if body is None else json.dumps(body),
                headers=self._headers(content_type),
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds),
                preload_content=False,
            )
            code = str(answer.status)
            self._clock.hear(answer.headers.get("Date"))
            if answer.status < 300:
                return answer
            data = answer.data
        except NoCredentials as error:
            raise BoardUnavailable(f"{what}: no credentials for {self.server}: {error}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._cut(error, what, writes=writes) from error
        finally:
            self._heard("WATCH" if "watch" in query else method, code, time.monotonic() - began)
        raise refusal(answer.status, data, answer.headers.get("Retry-After"), what=what, writes=writes)

    def _headers(self, content_type: str) -> dict[str, str]:
        headers = {"Accept": JSON, "Content-Type": content_type, "User-Agent": "kubemr-shell"}
        authorization = self._connection.authorization()
        return headers if authorization is None else {**headers, "Authorization": authorization}

    def _cut(self, error: Exception, what: str, *, writes: bool) -> BoardUnavailable:
        """No answer, or half of one: a write may have landed, unless the server was never reached."""
        message = f"{what}: no answer from the API server {self.server}: {_cause(error)}"
        never_sent = isinstance(error, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)
        return UnknownAnswer(message) if writes and not never_sent else BoardUnavailable(message)


def selectors(labels: str, fields: str) -> dict[str, str]:
    """What a query says of the objects that are meant."""
    return {name: text for name, text in (("labelSelector", labels), ("fieldSelector", fields)) if text}


def _cause(error: Exception) -> str:
    """What went wrong, without the objects that urllib3 puts before it."""
    text = re.sub(r"^HTTPS?Connection(Pool)?\(.*?\): ", "", str(error).rpartition(">: ")[2])
    return text or type(error).__name__
