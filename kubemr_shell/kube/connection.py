"""Connections to an API server, with the credentials of a pod or of a kubeconfig.

The ``kubernetes`` package understands all of a kubeconfig, but its import takes half a CPU second. So the package is
imported only for a kubeconfig. A pod needs only two files: a token and a certificate.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import urllib3

from kubemr_shell.errors import UsageError

CONNECTIONS = 16
"""The number of connections that one client keeps open."""
KUBECONFIG = "~/.kube/config"
"""The default kubeconfig of kubectl."""
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
"""The folder in which Kubernetes mounts the files of a pod's account."""


class NoCredentials(Exception):
    """The error for missing credentials: a token is being replaced, or the program that provides one has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A connection to one API server. Any number of threads may use it."""

    server: str
    """The URL of the API server."""
    pool: urllib3.PoolManager
    """The pool, which trusts only this server and sends each request once."""
    authorization: Callable[[], str | None]
    """A function that returns the Authorization header of the next request, because tokens expire.

    None means no header: the client has a certificate, or is anonymous. It raises NoCredentials if there are none.
    """


def anonymous(server: str) -> Connection:
    """Return a connection to a server that needs no credentials."""
    return Connection(server=server, pool=_pool(), authorization=lambda: None)


def is_pod(folder: str = SERVICE_ACCOUNT) -> bool:
    """Return whether this process runs in a pod with a service account."""
    return os.path.exists(os.path.join(folder, "token"))


def namespace_of_pod(folder: str = SERVICE_ACCOUNT) -> str:
    """Return the namespace of the pod in which this process runs."""
    with open(os.path.join(folder, "namespace")) as file:
        return file.read().strip()


def has_kubeconfig(environ: Mapping[str, str]) -> bool:
    """Return whether one of the kubeconfig files exists that kubectl would read."""
    return exists_any(environ.get("KUBECONFIG") or KUBECONFIG)


def exists_any(files: str) -> bool:
    """Return whether a file exists of a list of paths as in the variable KUBECONFIG."""
    return any(os.path.exists(os.path.expanduser(file)) for file in files.split(os.pathsep))


def of_pod(environ: Mapping[str, str], folder: str = SERVICE_ACCOUNT) -> Connection:
    """Return a connection with the service account of the pod that has the variables ``environ``.

    The connection ignores proxies, which are for servers outside of the cluster. Raise UsageError if there is no
    service account.
    """
    token, authority = os.path.join(folder, "token"), os.path.join(folder, "ca.crt")
    try:
        host, port = environ["KUBERNETES_SERVICE_HOST"], environ["KUBERNETES_SERVICE_PORT"]
        _bearer(token)
        os.stat(authority)
    except KeyError as error:
        raise UsageError(f"this is no pod with a service account: {error.args[0]} is not set") from error
    except (OSError, NoCredentials) as error:
        raise UsageError(f"this is no pod with a service account: {error}") from error
    return Connection(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        pool=_pool(ca_certs=authority),
        authorization=lambda: _bearer(token),
    )


def _pool(ca_certs: str | None = None) -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=CONNECTIONS, retries=False, cert_reqs="CERT_REQUIRED", ca_certs=ca_certs)


def _bearer(path: str) -> str:
    """Return the header with the present token. Kubernetes writes a new token before the old one expires."""
    try:
        with open(path) as file:
            token = file.read().strip()
    except OSError as error:
        raise NoCredentials(str(error)) from error
    if not token:
        raise NoCredentials(f"{path} is empty")
    return f"Bearer {token}"
