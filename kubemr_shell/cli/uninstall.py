"""``kubemr-shell uninstall``: removes an installation from a cluster, and nothing else."""

from __future__ import annotations

from threading import Event

import click

from kubemr_shell.cli.cluster_options import connection_options, say
from kubemr_shell.client.access import Access


@click.command()
@click.option(
    "--operator-namespace", metavar="NS", default="kubemr", show_default=True, help="Where the operator runs."
)
@click.option("--definitions", is_flag=True, help="Remove the definitions too, and with them EVERY job of the cluster.")
@click.option("--yes", is_flag=True, help="Remove it. Without this flag, the command only says what it would do.")
@connection_options
def uninstall(*, operator_namespace: str, definitions: bool, yes: bool, access: Access) -> None:
    """Remove an installation from a cluster: the operator, its permissions and its policies.

    Jobs, their definitions and all namespaces stay. The finalizer is removed from each job that no operator looks after
    any more, so that the job can be deleted. The command names the temporaries of these jobs.

    \b
    kubemr-shell uninstall          says what would be removed
    kubemr-shell uninstall --yes    removes it
    """

    from kubemr_shell.cli.inherited import environ
    from kubemr_shell.kube.client import KubeClient
    from kubemr_shell.operator.uninstalling import Uninstallation

    client = KubeClient.of_user(access.kubeconfig, access.context, None, environ())
    found = Uninstallation.find(client, operator_namespace, definitions=definitions)
    for line in found.lines():
        print(line, flush=True)  # before the messages on stderr, also if both go to one file
    release = found.removal.release
    if yes:
        found.carry_out(say, Event().wait)
        if release:
            say(f"Helm still lists its release: helm -n {operator_namespace} uninstall {release} removes the entry")
        return
    named = "" if operator_namespace == "kubemr" else f" --operator-namespace {operator_namespace}"
    asked = " --definitions" if definitions else ""
    print(f"Nothing was changed. To do it: kubemr-shell uninstall --yes{named}{asked}{access.flags}")
