"""``kubemr-shell worker``: runs the worker of a pod. The pods of jobs run this command."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from kubemr_shell.board.timing import LEASE_SECONDS
from kubemr_shell.cli import messages
from kubemr_shell.cli.machine import machine_error
from kubemr_shell.errors import KubemrError
from kubemr_shell.streams import STDOUT

if TYPE_CHECKING:
    from kubemr_shell.job.spec import JobSpec
    from kubemr_shell.pod.pod_worker import PodOptions

TERMINATION_MESSAGE_BYTES = 4096
"""The most bytes of a termination message that Kubernetes keeps."""


@click.command()
@click.option("--job", required=True, help="The job's name.")
@click.option("--uid", required=True, help="The job's uid.")
@click.option("--namespace", required=True, help="The job's namespace.")
@click.option("--name", required=True, help="The worker's name. No other worker of the job ever has the same name.")
@click.option("--workers", type=click.IntRange(1), required=True, help="The number of workers of the job.")
@click.option(
    "--number",
    type=click.IntRange(0),
    envvar="JOB_COMPLETION_INDEX",
    help="The number of this worker, from 0; default: JOB_COMPLETION_INDEX, which Kubernetes sets.",
)
@click.option("--output", required=True, help="The s3:// prefix for the parts.")
@click.option(
    "--s3-secret", envvar="KUBEMR_S3_SECRET", help="The Secret with the credentials of the store, for messages."
)
@click.option(
    "--s3-keys",
    envvar="KUBEMR_S3_KEYS",
    type=click.Path(),
    help="A folder with the credentials of the store in files, which are read again if the store refuses them.",
)
@click.option("--scratch", required=True, type=click.Path(), help="A folder for files that may go with the pod.")
@click.option("--slots", type=click.IntRange(1), help="Tasks that run at once; default: the pod's CPUs.")
@click.option("--lease", type=float, default=LEASE_SECONDS, help="Seconds after which a worker renews a claim.")
@click.option("--kubeconfig", type=click.Path(), help="How to reach the API server from outside a pod.")
@click.option("--termination-log", type=click.Path(), help="A file for the error that ends the worker, not the job.")
@messages.log_format
def worker(
    kubeconfig: str | None,
    namespace: str,
    termination_log: str | None,
    lease: float,
    log_format: messages.LogFormat,
    **options: Any,
) -> int:
    """Work on a job of the cluster until it is over.

    The stderr of commands goes to stdout, each line after the label of its attempt, or as JSON. On a signal, the worker
    gives all tasks back. The exit code is 0 whatever the state of the job, which is in its status.
    """
    from kubemr_shell.board.stores.kubernetes import KubernetesStore
    from kubemr_shell.cli.inherited import environ
    from kubemr_shell.command.echo import Echo
    from kubemr_shell.kube.client import KubeClient
    from kubemr_shell.pod.pod_worker import PodWorker
    from kubemr_shell.signals import ending_on_signals, stopping_on_signals

    of_attempt = None
    if log_format == "json":
        place = {"namespace": namespace, "job": options["job"], "uid": options["uid"], "worker": options["name"]}
        of_attempt = messages.write_json("worker", **place).of_attempt
    try:
        with ending_on_signals():
            client = KubeClient.of_program(kubeconfig, namespace, environ())
            store = KubernetesStore(client, namespace)
            asked = _options(namespace=namespace, **options)
            echo = Echo(STDOUT, of_attempt)
            one = PodWorker(store, asked, complete=_completed(), echo=echo, log=messages.warn, lease_seconds=lease)
            try:
                with stopping_on_signals(one.stop) as signals:
                    one.run()
                    return signals.exit_code or 0
            finally:
                one.close()
    except Exception as error:
        reason = error if isinstance(error, KubemrError) else machine_error(error)
        if reason is not None:
            _leave_message(termination_log, str(reason))
        raise


def _options(
    *,
    job: str,
    uid: str,
    namespace: str,
    name: str,
    workers: int,
    number: int | None,
    output: str,
    s3_secret: str | None,
    s3_keys: str | None,
    scratch: str,
    slots: int | None,
) -> PodOptions:
    from kubemr_shell.cli.inherited import inherited
    from kubemr_shell.net.s3_uri import as_prefix
    from kubemr_shell.pod import limits
    from kubemr_shell.pod.pod_worker import PodOptions

    return PodOptions(
        job=job,
        uid=uid,
        namespace=namespace,
        worker=name,
        workers=workers,
        number=number,
        output=as_prefix(output),
        s3_secret=s3_secret,
        s3_keys=s3_keys,
        slots=slots or limits.cpus(),
        memory_bytes=limits.memory_bytes(),
        scratch=scratch,
        environment=inherited(),
        folder=os.getcwd(),
    )


def _completed() -> Callable[[JobSpec], JobSpec]:
    """Return a function that adds the image's commands (from the environment) and scripts (from the working folder)."""
    from kubemr_shell import settings
    from kubemr_shell.cli.inherited import environ
    from kubemr_shell.cli.job_file import add_scripts, with_defaults

    known = settings.load(environ())
    return lambda spec: add_scripts(with_defaults(spec, known), os.getcwd())


def _leave_message(path: str | None, text: str) -> None:
    """Write the reason of a failure for ``kubectl describe pod`` and for the operator."""
    if path:
        with open(path, "wb") as file:
            file.write(text.encode()[:TERMINATION_MESSAGE_BYTES])
