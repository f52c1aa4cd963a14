"""``kubemr-shell cleanup``: removes the temporaries of a deleted job. The cleanup pod of the job runs this command."""

from __future__ import annotations

from typing import Literal

import click

from kubemr_shell.cli import messages

PathStyle = Literal["auto", "always", "never"]
"""The values of ``s3.pathStyle``."""


@click.command()
@click.option("--uid", required=True, help="The job's uid.")
@click.option("--output", required=True, help="The s3:// prefix of its parts.")
@click.option("--namespace", envvar="KUBEMR_NAMESPACE", default="default", help="The job's namespace, for messages.")
@click.option(
    "--s3-secret", envvar="KUBEMR_S3_SECRET", help="The Secret with the credentials of the store, for messages."
)
@click.option("--path-style", type=click.Choice(["auto", "always", "never"]), default="auto", help="As in spec.s3.")
@click.option("--ca-bundle", help="As in spec.s3.")
@click.option("--requester-pays", is_flag=True, help="As in spec.s3.")
@messages.log_format
def cleanup(
    *,
    uid: str,
    output: str,
    namespace: str,
    s3_secret: str | None,
    path_style: PathStyle,
    ca_bundle: str | None,
    requester_pays: bool,
    log_format: messages.LogFormat,
) -> None:
    """Remove the temporaries of a job of the cluster, and the parts that were staged but never published."""
    from kubemr_shell.job.spec_mappings import S3Spec
    from kubemr_shell.net.s3_config import S3Config
    from kubemr_shell.net.s3_uri import as_prefix
    from kubemr_shell.pod.places import Places
    from kubemr_shell.pod.secret import credentials_advice

    if log_format == "json":
        messages.write_json("cleanup", namespace=namespace, uid=uid)
    s3 = S3Spec(path_style=path_style, ca_bundle=ca_bundle, requester_pays=requester_pays)
    Places(output=as_prefix(output), uid=uid).remove(S3Config.of(s3, advice=credentials_advice(namespace, s3_secret)))
