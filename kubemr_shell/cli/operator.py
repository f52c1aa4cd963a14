"""``kubemr-shell operator``: what the operator's pods run."""

from __future__ import annotations

import click


@click.command()
@click.option("--namespace", help="Look after the jobs of this namespace alone; default: of all.")
@click.option("--image", help="The image of jobs that name none; default: kubemr/base of this version.")
@click.option("--output-root", metavar="s3://...", help="Below it jobs without an output put it.")
@click.option("--s3-endpoint", metavar="URL", help="The object store of jobs that name none.")
@click.option("--s3-region", metavar="REGION", help="Its region.")
@click.option("--s3-secret", metavar="NAME", help="The Secret with credentials, of jobs that name none.")
@click.option("--lease", type=float, default=60.0, show_default=True, help="Seconds; see docs/operations.md.")
@click.option("--port", type=int, default=8080, show_default=True, help="For /metrics, /healthz and /readyz.")
@click.option("--kubeconfig", type=click.Path(), help="How to reach the API server from outside of a pod.")
def operator(
    *,
    namespace: str | None,
    image: str | None,
    output_root: str | None,
    s3_endpoint: str | None,
    s3_region: str | None,
    s3_secret: str | None,
    lease: float,
    port: int,
    kubeconfig: str | None,
) -> int:
    """Deploy the workers of jobs, report on them, and clean up."""
    import socket  # noqa: PLC0415
    import time  # noqa: PLC0415

    from kubemr_shell.kube.client import KubeClient  # noqa: PLC0415
    from kubemr_shell.local_run.signals import stopping_on_signals  # noqa: PLC0415
    from kubemr_shell.operator.operator import Operator  # noqa: PLC0415
    from kubemr_shell.operator.options import BASE_IMAGE, OperatorOptions  # noqa: PLC0415
    from kubemr_shell.operator.web import serve  # noqa: PLC0415

    client = (
        KubeClient.from_kubeconfig(kubeconfig, None, namespace) if kubeconfig else KubeClient.in_pod(namespace or "")
    )
    options = OperatorOptions(
        namespace=namespace,
        image=image or BASE_IMAGE,
        output_root=output_root,
        s3_endpoint=s3_endpoint,
        s3_region=s3_region,
        s3_secret=s3_secret,
        lease_seconds=lease,
    )
    one = Operator(client, options, identity=socket.gethostname(), now=time.time)  # noqa: TID251 - compared with stamps of the API server
    server = serve(one, port)
    try:
        with stopping_on_signals(one.stop, kill=lambda: None):
            one.run()
    finally:
        server.shutdown()
    return 0
