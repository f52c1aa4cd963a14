"""The options of all commands about jobs of a cluster: which cluster, and which namespace."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from kubemr_shell.cli.inherited import environ
from kubemr_shell.client.access import Access

if TYPE_CHECKING:
    from kubemr_shell.client.jobs import Jobs

_NAMESPACE = click.option(
    "-n", "--namespace", metavar="NS", help="The namespace of the job; default: that of the context."
)
_CONNECTION = (
    click.option("--context", metavar="NAME", help="A context of the kubeconfig; default: the current one."),
    click.option(
        "--kubeconfig",
        metavar="FILE",
        help="Default: KUBECONFIG, else ~/.kube/config, else a pod's account.",
    ),
)


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for a cluster and a namespace to a command, which receives their values as ``access``."""
    return _with_access(command, (_NAMESPACE, *_CONNECTION))


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for a cluster to a command, which receives their values as ``access``."""
    return _with_access(command, _CONNECTION)


def _with_access(
    command: Callable[..., Any], options: Sequence[Callable[[Callable[..., Any]], Callable[..., Any]]]
) -> Callable[..., Any]:
    @functools.wraps(command)
    def call(
        *arguments: Any, context: str | None, kubeconfig: str | None, namespace: str | None = None, **more: Any
    ) -> Any:
        access = Access(namespace=namespace, context=context, kubeconfig=kubeconfig)
        return command(*arguments, access=access, **more)

    wrapped: Callable[..., Any] = call
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def reach(access: Access) -> Jobs:
    """Return the jobs of the cluster and the namespace. Raise UsageError if no cluster is named."""
    from kubemr_shell.client.jobs import Jobs

    return Jobs.reached_by(access, environ())


def say(text: str) -> None:
    """Print a message for the user to stderr."""
    print(text, file=sys.stderr, flush=True)
