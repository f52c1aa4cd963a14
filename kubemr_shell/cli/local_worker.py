"""``kubemr-shell local-worker``: runs one worker process of a run on this machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import click


@click.command()
@click.argument("job_folder", type=click.Path(exists=True, file_okay=False))
@click.option("--name", required=True, help="The worker's name. No other worker of the job ever has the same name.")
@click.option("--workers", type=int, required=True, help="The number of workers of the run.")
@click.option("--slots", type=int, required=True, help="The number of tasks that run at once.")
@click.option("--share", type=int, required=True, help="The bytes of memory for each of these tasks.")
def local_worker(job_folder: str, name: str, workers: int, slots: int, share: int) -> int:
    """Work on a job until it is over, or until stdin ends."""
    from kubemr_shell.cli.inherited import inherited
    from kubemr_shell.job_folder.find import folder_at
    from kubemr_shell.local_run.local_worker import LocalWorker, LocalWorkerOptions
    from kubemr_shell.signals import stopping_on_signals
    from kubemr_shell.worker.memory import MemoryPlan

    options = LocalWorkerOptions(
        worker=name,
        workers=workers,
        memory=MemoryPlan(slots=slots, share_bytes=share),
        environment=inherited(),
        folder=os.getcwd(),
    )
    one = LocalWorker(folder_at(job_folder), options)
    try:
        with stopping_on_signals(one.stop, kill=lambda: None) as signals:
            _stop_at_end_of_stdin(one.stop)
            one.run()
            return signals.exit_code or 0
    finally:
        one.close()


def _stop_at_end_of_stdin(stop: Callable[[], None]) -> None:
    """Call ``stop`` when stdin ends. The supervisor holds the other end, and a worker without supervisor must stop."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        stop()

    threading.Thread(target=wait, name="supervisor", daemon=True).start()
