"""Connections as kubectl makes them: kubeconfig files, contexts, certificates, exec plugins, proxies.

To import this costs half a CPU second: only who has a kubeconfig does.
"""

from __future__ import annotations

from contextlib import suppress

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.config import ConfigException, list_kube_config_contexts, load_kube_config
from kubernetes.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION

from kubemr_shell.errors import UsageError
from kubemr_shell.kube.connection import Connection, NoCredentials, exists_any

MOST_CHARACTERS = 300
"""Of what is said of a kubeconfig that cannot be read."""


def of_kubeconfig(path: str | None, context: str | None, *, connections: int) -> tuple[Connection, str]:
    """The connection, and the namespace of its context. ``None`` is what kubectl would take. UsageError."""
    configuration = Configuration()
    configuration.retries = False
    configuration.connection_pool_maxsize = connections
    try:
        load_kube_config(config_file=path, context=context, client_configuration=configuration)
        namespace = _namespace_of(path, context)
    except Exception as error:  # what reads kubeconfigs raises whatever a damaged one leads to
        raise UsageError(_refused(path or KUBE_CONFIG_DEFAULT_LOCATION, context, error)) from error
    client = ApiClient(configuration)

    def authorization() -> str | None:
        headers: dict[str, str] = {}
        try:
            client.update_params_for_auth(headers, [], ["BearerToken"])
        except ConfigException as error:
            raise NoCredentials(str(error)) from error
        return headers.get("authorization")

    pool = client.rest_client.pool_manager
    return Connection(server=str(configuration.host), pool=pool, authorization=authorization), namespace


def _refused(files: str, context: str | None, error: Exception) -> str:
    if not exists_any(files):
        return f"{files}: there is no such file: name a kubeconfig with KUBECONFIG or --kubeconfig"
    if context is not None:
        with suppress(Exception):  # likewise
            names = [str(one["name"]) for one in list_kube_config_contexts(files)[0]]
            if context not in names:
                return f"{files}: there is no context {context}: it has {', '.join(names)}"
    why = " ".join(str(error)[:MOST_CHARACTERS].split()).rstrip(".")
    if not isinstance(error, ConfigException | OSError):
        why = f"it is no kubeconfig: {why}"
    return f"{files}: {why}; name a kubeconfig with KUBECONFIG or --kubeconfig"


def _namespace_of(path: str | None, context: str | None) -> str:
    contexts, current = list_kube_config_contexts(path)
    named = next((one for one in contexts if one["name"] == context), current)
    return str(named["context"].get("namespace") or "default")
