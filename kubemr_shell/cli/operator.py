"""``kubemr-shell operator``: runs the operator. The operator's pods run this command."""

from __future__ import annotations

import sys
import time
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from kubemr_shell.board.timing import LEASE_SECONDS
from kubemr_shell.cli import messages
from kubemr_shell.cli.job_defaults import job_defaults
from kubemr_shell.errors import KubemrError

if TYPE_CHECKING:
    from kubemr_shell.kube.client import KubeClient


@click.command()
@click.option("--namespace", help="Look after the jobs of this namespace only; default: of all namespaces.")
@click.option("--image", help="The image of jobs that name none; default: kubemr/base of this version.")
@job_defaults
@click.option("--worker-template", metavar="JSON", default="{}", help="The pod template for the workers of all jobs.")
@click.option(
    "--lease",
    type=float,
    default=LEASE_SECONDS,
    show_default=True,
    help="Seconds after which a worker renews a claim; see docs/operations.md.",
)
@click.option("--port", type=int, default=8080, show_default=True, help="The port of /metrics, /healthz and /readyz.")
@click.option("--pod", metavar="NAMESPACE/NAME", help="The pod of this operator. Jobs get its image by its digest.")
@click.option("--kubeconfig", type=click.Path(), help="How to reach the API server from outside a pod.")
@messages.log_format
def operator(
    *,
    namespace: str | None,
    image: str | None,
    worker_template: str,
    lease: float,
    port: int,
    pod: str | None,
    kubeconfig: str | None,
    log_format: messages.LogFormat,
    **defaults: Any,
) -> int:
    """Start the workers of jobs, report on them, and clean up."""
    import socket

    from kubemr_shell.cli.inherited import environ
    from kubemr_shell.kube.client import KubeClient
    from kubemr_shell.operator.http_server import serve
    from kubemr_shell.operator.log import OperatorLog
    from kubemr_shell.operator.operator import Operator
    from kubemr_shell.operator.options import BASE_IMAGE, OperatorOptions
    from kubemr_shell.operator.worker_template import parsed_template
    from kubemr_shell.signals import stopping_on_signals

    log = messages.write_json("operator") if log_format == "json" else None
    client = KubeClient.of_program(kubeconfig, namespace, environ())
    options = OperatorOptions(
        namespace=namespace,
        image=_image(client, pod, image or BASE_IMAGE),
        worker_template=parsed_template(worker_template),
        lease_seconds=lease,
        log_format=log_format,
        **defaults,
    )

    def now() -> float:
        """Return the time of the API server's clock, since it is compared with stamps of the API server."""
        return client.server_time() or time.time()  # noqa: TID251 - if no answer of the server tells the time

    one = Operator(client, options, identity=socket.gethostname(), now=now, log=OperatorLog(sys.stderr, log))
    server = serve(one, port)
    try:
        with stopping_on_signals(one.stop):
            one.run()
    finally:
        server.shutdown()
    return 0


def _image(client: KubeClient, pod: str | None, image: str) -> str:
    """Return the image by its digest if the digest is known. Otherwise warn and return the image unchanged."""

    from kubemr_shell.operator.pinning import pinned_image

    if pod is None:
        return image
    try:
        return pinned_image(client, pod, image, Event().wait)
    except KubemrError as error:
        text = f"jobs get {image} by its tag, not by a digest: {error}"
        messages.say(text, level="warning", prefix="kubemr-shell operator: ")
        return image
