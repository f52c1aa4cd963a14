"""``kubemr-shell install``: prints the manifests of an installation, to pipe into kubectl."""

from __future__ import annotations

import re
from typing import Any

import click

from kubemr_shell.cli import messages
from kubemr_shell.cli.job_defaults import job_defaults
from kubemr_shell.errors import UsageError

NAME = re.compile("[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")
"""A valid namespace. Other names contain it, and Kubernetes limits names to 63 characters."""


@click.command()
@click.option("--namespace", metavar="NS", help="Look after the jobs of this namespace only. It must exist.")
@click.option(
    "--operator-namespace", metavar="NS", default="kubemr", show_default=True, help="Where the operator runs."
)
@click.option("--image", help="The image of the operator, and of jobs that name none; default: kubemr/base:VERSION.")
@job_defaults
@messages.log_format
@click.option(
    "--replicas", type=click.IntRange(0), default=2, show_default=True, help="Operators. They need no leader."
)
@click.option(
    "--worker-template",
    metavar="FILE",
    help="A pod template (YAML) for all workers: pull secrets, tolerations, resources. The template of a job wins.",
)
@click.option("--flow-control", is_flag=True, help="Give workers a bounded share of the API server.")
@click.option(
    "--job-policy", is_flag=True, help="Let JobPolicies decide who may use templates, which Secrets and which outputs."
)
@click.option(
    "--network-policy",
    is_flag=True,
    help="Close all ports of the operator's pods except those that the operator needs.",
)
@click.option("--service-monitor", is_flag=True, help="Let the Prometheus operator read the metrics.")
def install(
    *,
    namespace: str | None,
    operator_namespace: str,
    image: str | None,
    replicas: int,
    worker_template: str | None,
    flow_control: bool,
    job_policy: bool,
    network_policy: bool,
    service_monitor: bool,
    **defaults: Any,
) -> None:
    """Write the manifests that install kubemr-shell in a cluster. This command needs no cluster.

    The namespace of the operator must exist: no manifest changes a namespace. To remove the objects of these manifests,
    use kubemr-shell uninstall.

    \b
    kubectl create namespace kubemr
    kubemr-shell install --output-root s3://results --s3-secret s3 | kubectl apply -f -
    """
    from kubemr_shell.cli.yaml_file import read_yaml
    from kubemr_shell.operator.install import InstallOptions, installation, yaml_text
    from kubemr_shell.operator.options import BASE_IMAGE, OperatorOptions
    from kubemr_shell.operator.worker_template import check_template

    for option, name in (("--namespace", namespace), ("--operator-namespace", operator_namespace)):
        if name is not None and not NAME.fullmatch(name):
            raise UsageError(f"{option} {name}: a namespace has up to 40 of a-z, 0-9 and -, and no - at its ends")
    operator = OperatorOptions(
        namespace=namespace,
        image=image or BASE_IMAGE,
        worker_template=check_template(read_yaml(worker_template), worker_template) if worker_template else {},
        **defaults,
    )
    options = InstallOptions(
        operator=operator,
        operator_namespace=operator_namespace,
        replicas=replicas,
        flow_control=flow_control,
        job_policy=job_policy,
        network_policy=network_policy,
        service_monitor=service_monitor,
    )
    print(yaml_text(installation(options)), end="")
