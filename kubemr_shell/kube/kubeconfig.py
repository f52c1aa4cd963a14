"""Connections by a kubeconfig, as kubectl makes them: contexts, certificates, exec plugins, proxies.

The import of this module takes half a CPU second, so only code that has a kubeconfig imports it.
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
"""The most characters of the cause in the message about an unreadable kubeconfig."""


def of_kubeconfig(path: str | None, context: str | None, *, connections: int) -> tuple[Connection, str]:
    """Return the connection and the namespace of a context. ``None`` means kubectl's default. Raise UsageError."""
    configuration = Configuration()
    configuration.retries = False
    configuration.connection_pool_maxsize = connections
    try:
        load_kube_config(config_file=path, context=context, client_configuration=configuration)
        namespace = _namespace_of(path, context)
    except Exception as error:  # the package raises any error for a damaged kubeconfig
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
        with suppress(Exception):  # any error for a damaged kubeconfig, which the message below reports
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
