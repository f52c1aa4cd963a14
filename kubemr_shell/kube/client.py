"""Requests to a Kubernetes API server, as JSON, with our errors.

What the ``kubernetes`` package is used for is finding the server and showing who we are: kubeconfig files, contexts,
exec plugins, the rotated token of a pod. A request is sent once: who asks again is decided above.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import urllib3
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.config import ConfigException, list_kube_config_contexts, load_incluster_config, load_kube_config
from kubernetes.config.incluster_config import SERVICE_TOKEN_FILENAME
from kubernetes.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION

from kubemr_shell.errors import BoardUnavailable, UnknownAnswer, UsageError
from kubemr_shell.kube.answers import refusal
from kubemr_shell.kube.resources import Resource

Object = dict[str, Any]

CONNECT_SECONDS = 5.0
READ_SECONDS = 45.0
"""Longer than the 34 s after which an API server gives up a patch by itself."""
FIELD_MANAGER = "kubemr"
JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"


class KubeClient:
    """Any number of threads may use it. ``namespace`` is the one of the context, or of the pod."""

    def __init__(self, configuration: Configuration, namespace: str, *, connections: int = 16) -> None:
        configuration.retries = False
        configuration.connection_pool_maxsize = connections
        self.namespace = namespace
        self._client = ApiClient(configuration)

    @classmethod
    def in_pod(cls, namespace: str) -> KubeClient:
        """With the service account of the pod that this runs in."""
        configuration = Configuration()
        try:
            load_incluster_config(client_configuration=configuration)
        except ConfigException as error:
            raise UsageError(f"this is no pod with a service account: {error}") from error
        return cls(configuration, namespace)

    @classmethod
    def from_kubeconfig(
        cls, path: str | None, context: str | None, namespace: str | None, *, connections: int = 16
    ) -> KubeClient:
        """As kubectl does: ``None`` is the default of each."""
        configuration = Configuration()
        try:
            load_kube_config(config_file=path, context=context, client_configuration=configuration)
            chosen = namespace or _namespace_of(path, context)
        except Exception as error:  # what reads kubeconfigs raises whatever a damaged one leads to
            raise UsageError(_refused_kubeconfig(path or KUBE_CONFIG_DEFAULT_LOCATION, context, error)) from error
        return cls(configuration, chosen, connections=connections)

    @classmethod
    def of_user(cls, path: str | None, context: str | None, namespace: str | None) -> KubeClient:
        """By a kubeconfig; with the pod's account where there is none, and none is asked for."""
        if path is None and context is None and _is_in_pod_alone():
            return cls.in_pod(namespace or _namespace_of_pod())
        return cls.from_kubeconfig(path, context, namespace)

    @classmethod
    def of_program(cls, kubeconfig: str | None, namespace: str | None) -> KubeClient:
        """For what runs in a pod, and elsewhere with a kubeconfig."""
        return cls.from_kubeconfig(kubeconfig, None, namespace) if kubeconfig else cls.in_pod(namespace or "")

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return str(self._client.configuration.host)

    def create(self, resource: Resource, namespace: str | None, document: Mapping[str, Any]) -> Object:
        name = document["metadata"].get("name") or document["metadata"].get("generateName")
        what = f"creation of {resource.kind} {name}"
        whole = {"apiVersion": resource.api_version, "kind": resource.kind, **document}
        return self._ask("POST", resource.path(namespace), what, body=whole)

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

    def patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        change: Sequence[Mapping[str, Any]] | Mapping[str, Any],
        *,
        status: bool = False,
    ) -> Object:
        """A JSON Patch (a list), or a merge patch (a mapping), of the object or of its status alone."""
        path = resource.path(namespace, name, "status" if status else None)
        kind = MERGE_PATCH if isinstance(change, Mapping) else JSON_PATCH
        return self._ask("PATCH", path, f"patch of {resource.kind} {name}", body=change, content_type=kind)

    def delete(
        self, resource: Resource, namespace: str | None, name: str, *, options: Mapping[str, Any] | None = None
    ) -> None:
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background", **(options or {})}
        self._ask("DELETE", resource.path(namespace, name), f"deletion of {resource.kind} {name}", body=body)

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
        writes = method != "GET"
        with self._open(method, path, what, query=query or {}, body=body, content_type=content_type) as answer:
            try:
                data = answer.data
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise self._cut(error, what, writes=writes) from error
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
        headers = {"Accept": JSON, "Content-Type": content_type, "User-Agent": "kubemr-shell"}
        parameters = list(query.items())
        if method in ("POST", "PATCH"):
            parameters.append(("fieldManager", FIELD_MANAGER))
        try:
            self._client.update_params_for_auth(headers, parameters, ["BearerToken"])
            answer: urllib3.BaseHTTPResponse = self._client.rest_client.pool_manager.request(
                method,
                f"{self.server}{path}?{urlencode(parameters)}",
                body=None if body is None else json.dumps(body),
                headers=headers,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds),
                preload_content=False,
            )
            if answer.status < 300:
                return answer
            data = answer.data
        except ConfigException as error:  # of a token that is just being replaced, or of a program that gives one
            raise BoardUnavailable(f"{what}: no credentials for {self.server}: {error}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._cut(error, what, writes=writes) from error
        raise refusal(answer.status, data, answer.headers.get("Retry-After"), what=what, writes=writes)

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


def _refused_kubeconfig(files: str, context: str | None, error: Exception) -> str:
    if not _exists_any(files):
        return f"{files}: there is no such file: name a kubeconfig with KUBECONFIG or --kubeconfig"
    if context is not None:
        with suppress(ConfigException, OSError):
            names = [str(one["name"]) for one in list_kube_config_contexts(files)[0]]
            if context not in names:
                return f"{files}: there is no context {context}: it has {', '.join(names)}"
    why = (
        str(error).rstrip(".")
        if isinstance(error, ConfigException | OSError)
        else f"it is no kubeconfig: {error!s:.200}"
    )
    return f"{files}: {' '.join(why.split())}; name a kubeconfig with KUBECONFIG or --kubeconfig"


def _exists_any(files: str) -> bool:
    return any(os.path.exists(os.path.expanduser(file)) for file in files.split(os.pathsep))


def _is_in_pod_alone() -> bool:
    return os.path.exists(SERVICE_TOKEN_FILENAME) and not _exists_any(KUBE_CONFIG_DEFAULT_LOCATION)


def _namespace_of_pod() -> str:
    with open(os.path.join(os.path.dirname(SERVICE_TOKEN_FILENAME), "namespace")) as file:
        return file.read().strip()


def _namespace_of(path: str | None, context: str | None) -> str:
    contexts, current = list_kube_config_contexts(path)
    named = next((one for one in contexts if one["name"] == context), current)
    return str(named["context"].get("namespace") or "default")
