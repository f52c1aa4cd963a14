"""How an API server is reached, and what shows it who asks: from the files of a pod, or from a kubeconfig.

The ``kubernetes`` package knows all that a kubeconfig may say. To import it costs half a CPU second, so that is done
where there is one: a pod has a token and a certificate in two files, and needs no more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import urllib3

from kubemr_shell.errors import UsageError

CONNECTIONS = 16
"""That are kept open, of one client."""
KUBECONFIG = "~/.kube/config"
"""Where kubectl looks when nobody says where."""
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where Kubernetes puts the files of a pod's account."""


class NoCredentials(Exception):
    """Why there are none just now: a token that is being replaced, a program that gives one and fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Any number of threads may use it."""

    server: str
    """The URL of the API server."""
    pool: urllib3.PoolManager
    """Trusts that server alone, and sends each request once."""
    authorization: Callable[[], str | None]
    """The header of that name for the next request, for none is good for ever; None: a certificate, or nothing, shows
    who asks. NoCredentials."""


def anonymous(server: str) -> Connection:
    """To a server that asks nobody who it is."""
    return Connection(server=server, pool=_pool(), authorization=lambda: None)


def is_pod(folder: str = SERVICE_ACCOUNT) -> bool:
    return os.path.exists(os.path.join(folder, "token"))


def namespace_of_pod(folder: str = SERVICE_ACCOUNT) -> str:
    with open(os.path.join(folder, "namespace")) as file:
        return file.read().strip()


def has_kubeconfig(environ: Mapping[str, str]) -> bool:
    """One of those that kubectl would read is there."""
    return exists_any(environ.get("KUBECONFIG") or KUBECONFIG)


def exists_any(files: str) -> bool:
    """Of a list as in KUBECONFIG."""
    return any(os.path.exists(os.path.expanduser(file)) for file in files.split(os.pathsep))


def of_pod(environ: Mapping[str, str], folder: str = SERVICE_ACCOUNT) -> Connection:
    """With the service account of the pod whose environment this is; straight, past the proxies for the world outside.

    UsageError where there is none.
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
    """The token as it is now: Kubernetes writes a new one before the old one expires."""
    try:
        with open(path) as file:
            token = file.read().strip()
    except OSError as error:
        raise NoCredentials(str(error)) from error
    if not token:
        raise NoCredentials(f"{path} is empty")
    return f"Bearer {token}"
