"""``kubemr-shell cleanup``: what the pod runs that removes the temporaries of a job whose object is being deleted."""

from __future__ import annotations

import click


@click.command()
@click.option("--uid", required=True, help="The job's uid.")
@click.option("--output", required=True, help="The s3:// prefix of its parts.")
def cleanup(uid: str, output: str) -> None:
    """Remove the temporaries of a job of the cluster, and what it staged and never published."""
    from kubemr_shell.net.s3_config import S3Config  # noqa: PLC0415
    from kubemr_shell.net.s3_uri import as_prefix  # noqa: PLC0415
    from kubemr_shell.pod.places import Places  # noqa: PLC0415

    Places(output=as_prefix(output), uid=uid).remove(S3Config())
