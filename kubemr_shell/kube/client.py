"""The client of a Kubernetes API server: JSON requests, with our errors for refusals.

The client sends each request once. The callers decide whether to repeat a request.
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
"""A Kubernetes object, as it is in JSON."""

CONNECT_SECONDS = 5.0
"""The seconds after which an attempt to connect fails."""
READ_SECONDS = 45.0
"""The seconds without a byte after which a request fails: more than the 34 s that an API server gives a patch."""
PAGE_BYTES = 4 << 20
"""The approximate size of a page of a list. As Python objects, a page takes about four times as much memory."""
FIRST_PAGE_ITEMS = 20
"""The number of objects of the first page. The number for each next page follows from the size of the last page."""
MOST_PAGE_ITEMS = 500
"""The most objects of a page."""
FIELD_MANAGER = "kubemr"
"""The name under which Kubernetes records our writes in ``managedFields``."""
JSON = "application/json"
"""The content type of objects."""
JSON_PATCH = "application/json-patch+json"
"""The content type of a JSON Patch (RFC 6902)."""
MERGE_PATCH = "application/merge-patch+json"
"""The content type of a merge patch (RFC 7396)."""
STRICT = {"fieldValidation": "Strict"}
"""The query by which the API server refuses unknown fields instead of dropping them."""


class KubeClient:
    """A client of one API server. Any number of threads may use it.

    ``namespace`` is the default namespace: the one of the context, or of the pod.

    Each request raises the errors of ``answers.refusal``. If no answer comes, it raises UnknownAnswer for a write that
    may have been applied, else BoardUnavailable.
    """

    def __init__(self, connection: Connection, namespace: str) -> None:
        self.namespace = namespace
        self._connection = connection
        self._clock = ServerClock()
        self._heard: Callable[[str, str, float], None] = lambda _method, _code, _seconds: None

    def report_to(self, heard: Callable[[str, str, float], None]) -> None:
        """Call ``heard`` for each request with the method, the status code, and the seconds to the first byte.

        The method of a watch is WATCH. The code of a request without an answer is ``none``.
        """
        self._heard = heard

    @classmethod
    def from_kubeconfig(
        cls, path: str | None, context: str | None, namespace: str | None, *, connections: int = CONNECTIONS
    ) -> KubeClient:
        """Return a client for a kubeconfig, as kubectl finds it. ``None`` means kubectl's default."""
        from kubemr_shell.kube.kubeconfig import of_kubeconfig

        connection, of_context = of_kubeconfig(path, context, connections=connections)
        return cls(connection, namespace or of_context)

    @classmethod
    def of_user(
        cls, path: str | None, context: str | None, namespace: str | None, environ: Mapping[str, str]
    ) -> KubeClient:
        """Return a client for a user's kubeconfig, or for the pod's account if no kubeconfig is named or exists."""
        if path is None and context is None and is_pod() and not has_kubeconfig(environ):
            return cls(of_pod(environ), namespace or namespace_of_pod())
        return cls.from_kubeconfig(path, context, namespace)

    @classmethod
    def of_program(cls, kubeconfig: str | None, namespace: str | None, environ: Mapping[str, str]) -> KubeClient:
        """Return a client for a program that runs in a pod with the variables ``environ``, or with a kubeconfig."""
        if kubeconfig:
            return cls.from_kubeconfig(kubeconfig, None, namespace)
        return cls(of_pod(environ), namespace or "")

    @property
    def server(self) -> str:
        """Return the URL of the API server."""
        return self._connection.server

    def server_time(self) -> float | None:
        """Return the time of the API server by its last answer, in seconds since 1970; None before the first answer."""
        return self._clock.now()

    def create(
        self, resource: Resource, namespace: str | None, document: Mapping[str, Any], *, strict: bool = False
    ) -> Object:
        """Create an object and return it. With ``strict``, raise UnknownField instead of dropping unknown fields."""
        name = document["metadata"].get("name") or document["metadata"].get("generateName")
        what = f"creation of {resource.kind} {name}"
        whole = {"apiVersion": resource.api_version, "kind": resource.kind, **document}
        return self._ask("POST", resource.path(namespace), what, query=STRICT if strict else {}, body=whole)

    def get(self, resource: Resource, namespace: str | None, name: str, *, fresh: bool = True) -> Object:
        """Return an object. With ``fresh=False``, read from the API server's memory, which may be slightly old."""
        query = {} if fresh else {"resourceVersion": "0"}
        return self._ask("GET", resource.path(namespace, name), f"{resource.kind} {name}", query=query)

    def list(
        self, resource: Resource, namespace: str | None, *, labels: str = "", fields: str = "", fresh: bool = True
    ) -> Object:
        """Return the whole list, with ``metadata.resourceVersion`` and ``items``. ``fresh`` is as in ``get``."""
        query = selectors(labels, fields)
        if not fresh:
            query["resourceVersion"] = "0"
        return self._ask("GET", resource.path(namespace), f"list of {resource.plural}", query=query)

    def pages(
        self, resource: Resource, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> Iterator[Object]:
        """Yield a whole list in pages of about ``PAGE_BYTES``, all of the same resourceVersion.

        Raise Expired if the caller takes so long that the server has forgotten that version.
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
        """Patch an object, or only its status, and return it. ``strict`` is as in ``create``.

        A list is a JSON Patch (RFC 6902). A mapping is a merge patch (RFC 7396).
        """
        path = resource.path(namespace, name, "status" if status else None)
        kind = MERGE_PATCH if isinstance(change, Mapping) else JSON_PATCH
        what, query = f"patch of {resource.kind} {name}", STRICT if strict else {}
        return self._ask("PATCH", path, what, query=query, body=change, content_type=kind)

    def delete(
        self, resource: Resource, namespace: str | None, name: str, *, options: Mapping[str, Any] | None = None
    ) -> None:
        """Delete an object. Kubernetes then deletes the objects that it owns, in the background."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background", **(options or {})}
        self._ask("DELETE", resource.path(namespace, name), f"deletion of {resource.kind} {name}", body=body)

    def delete_all(self, resource: Resource, namespace: str, *, labels: str) -> None:
        """Delete the objects that match the label selector, in one request."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        what = f"deletion of the {resource.plural} with {labels}"
        self._ask("DELETE", resource.path(namespace), what, query=selectors(labels, ""), body=body)

    def get_text(self, path: str, what: str, query: Mapping[str, str] | None = None) -> str:
        """Return an answer that is not JSON, such as the log of a pod."""
        with self._open("GET", path, what, query=query or {}) as answer:
            return bytes(answer.data).decode("utf-8", "backslashreplace")

    def open_stream(
        self, path: str, what: str, query: Mapping[str, str], *, idle_seconds: float
    ) -> urllib3.BaseHTTPResponse:
        """Return an answer that continues. A read fails after ``idle_seconds`` without a byte."""
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
        """Return the error for a missing or cut answer. A write may be applied if a connection was made."""
        message = f"{what}: no answer from the API server {self.server}: {_cause(error)}"
        never_sent = isinstance(error, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)
        return UnknownAnswer(message) if writes and not never_sent else BoardUnavailable(message)


def selectors(labels: str, fields: str) -> dict[str, str]:
    """Return the query parameters for a label selector and a field selector; none for an empty one."""
    return {name: text for name, text in (("labelSelector", labels), ("fieldSelector", fields)) if text}


def _cause(error: Exception) -> str:
    """Return the text of an error without the names of objects that urllib3 puts before it."""
    text = re.sub(r"^HTTPS?Connection(Pool)?\(.*?\): ", "", str(error).rpartition(">: ")[2])
    return text or type(error).__name__
