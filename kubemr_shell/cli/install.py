"""``kubemr-shell install``: the manifests of an installation, to pipe into kubectl."""

from __future__ import annotations

import re

import click

from kubemr_shell.errors import UsageError

NAME = re.compile("[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")
"""A namespace; other names are made of it, and have to stay under 63 characters."""


@click.command()
@click.option("--namespace", metavar="NS", help="Look after the jobs of this namespace alone; it has to be there.")
@click.option(
    "--operator-namespace", metavar="NS", default="kubemr", show_default=True, help="Where the operator runs."
)
@click.option("--image", help="Of the operator, and of jobs that name none; default: kubemr/base of this version.")
@click.option("--output-root", metavar="s3://...", help="Below it jobs without an output put it.")
@click.option("--s3-endpoint", metavar="URL", help="The object store of jobs that name none.")
@click.option("--s3-region", metavar="REGION", help="Its region.")
@click.option("--s3-secret", metavar="NAME", help="The Secret with credentials, in the namespace of the jobs.")
@click.option(
    "--replicas", type=click.IntRange(0), default=2, show_default=True, help="Operators; they need no leader."
)
@click.option("--flow-control", is_flag=True, help="Give workers a bounded share of the API server.")
def install(
    *,
    namespace: str | None,
    operator_namespace: str,
    image: str | None,
    output_root: str | None,
    s3_endpoint: str | None,
    s3_region: str | None,
    s3_secret: str | None,
    replicas: int,
    flow_control: bool,
) -> None:
    """Write the manifests that install kubemr-shell in a cluster; no cluster is needed for it.

    \b
    kubemr-shell install --output-root s3://results --s3-secret s3 | kubectl apply -f -
    """
    from kubemr_shell.operator.install import InstallOptions, installation, yaml_text  # noqa: PLC0415
    from kubemr_shell.operator.options import BASE_IMAGE, OperatorOptions  # noqa: PLC0415

    for option, name in (("--namespace", namespace), ("--operator-namespace", operator_namespace)):
        if name is not None and not NAME.fullmatch(name):
            raise UsageError(f"{option} {name}: a namespace has up to 40 of a-z, 0-9 and -, and no - at its ends")
    if output_root is not None and not output_root.startswith("s3://"):
        raise UsageError(f"--output-root {output_root}: must begin with s3://")
    operator = OperatorOptions(
        namespace=namespace,
        image=image or BASE_IMAGE,
        output_root=output_root,
        s3_endpoint=s3_endpoint,
        s3_region=s3_region,
        s3_secret=s3_secret,
    )
    options = InstallOptions(
        operator=operator,
        operator_namespace=operator_namespace,
        replicas=replicas,
        flow_control=flow_control,
    )
    print(yaml_text(installation(options)), end="")
