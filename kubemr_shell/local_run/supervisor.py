"""Several workers on one job, each a process: start them, replace those that are killed, stop them all.

The supervisor takes no part in the job. A worker's stdin is a pipe that nobody writes to: when the supervisor is
gone, it ends, and the worker stops.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from dataclasses import dataclass

from kubemr_shell.command.cancel import Cancel
from kubemr_shell.command.ourselves import command_line
from kubemr_shell.command.pidfd import check_pidfds, open_pidfd
from kubemr_shell.errors import KubemrError
from kubemr_shell.job.state import ENDED, JobState
from kubemr_shell.local_run.job_access import kill_leftovers_of, open_board
from kubemr_shell.local_run.job_folder import JobFolder
from kubemr_shell.local_run.request import RunRequest
from kubemr_shell.local_run.signals import EXIT_CODES

REPLACEMENTS_A_WORKER = 100
"""Before a run is given up whose workers are killed again and again."""
STOP_SECONDS = 15.0
STDERR_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerProcess:
    """A worker that was started; ``pidfd`` is readable when it has ended."""

    name: str
    process: subprocess.Popen[bytes]
    pidfd: int
    stderr: int
    """What it writes there."""


class WorkerFailed(KubemrError):
    """A worker ended with an error of its own; it has the worker's message and exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Supervisor:
    """Runs ``request.workers`` workers; the work itself is theirs."""

    def __init__(self, job: JobFolder, request: RunRequest) -> None:
        self._job = job
        self._request = request
        self._stop = Cancel()
        self._workers: dict[int, WorkerProcess] = {}
        self._started = 0

    def run(self) -> JobState | None:
        """The state in which the job ended, or None after ``stop``.

        The first worker that sees its end is enough: another may be suspended, and is ended by ``close``.
        """
        check_pidfds()
        for _ in range(self._request.workers):
            self._start()
        poll = select.poll()
        poll.register(self._stop.fd, select.POLLIN)
        is_over = False
        while not is_over and not self._stop.is_set():
            for pidfd in self._workers:
                poll.register(pidfd, select.POLLIN)
            for descriptor, _ in poll.poll():
                if descriptor in self._workers:
                    poll.unregister(descriptor)
                    is_over = self._attend(self._workers.pop(descriptor)) or is_over
        if self._stop.is_set():
            return None
        with open_board(self._job) as board:
            state = board.view().state
        return state if state in ENDED else None

    def stop(self) -> None:
        """Have the workers give everything back. Any thread, any signal handler."""
        self._stop.set()

    def close(self) -> None:
        """End every worker, by force where asking does not help, and what its commands left behind."""
        for worker in self._workers.values():
            worker.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for worker in self._workers.values():
            try:
                worker.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
            self._reap(worker)
        self._workers.clear()
        self._stop.close()

    def _attend(self, worker: WorkerProcess) -> bool:
        """A worker has ended: because the job has (True), because it was killed, or with an error."""
        status, said = self._reap(worker)
        if status == 0:
            return True
        if status > 0 and status not in EXIT_CODES.values():
            silent = f"worker {worker.name} ended with status {status}, and no message"
            raise WorkerFailed(said.removeprefix("kubemr-shell: ") or silent, status)
        if self._started > self._request.workers * REPLACEMENTS_A_WORKER:
            raise WorkerFailed(f"the workers of this run were killed {self._started} times: see what kills them", 1)
        self._start()
        return False

    def _start(self) -> None:
        name = f"w{self._started}-{os.urandom(4).hex()}"
        self._started += 1
        stderr = os.memfd_create(name)  # no file: the disk may be what is full
        process = subprocess.Popen(
            self._command_line(name),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            cwd=self._request.folder,
            env=self._request.environment,
            process_group=0,
        )
        pidfd = open_pidfd(process.pid)
        self._workers[pidfd] = WorkerProcess(name=name, process=process, pidfd=pidfd, stderr=stderr)

    def _command_line(self, name: str) -> list[str]:
        request = self._request
        return [
            *(*command_line(), "local-worker", self._job.root),
            *("--name", name, "--workers", str(request.workers)),
            *("--slots", str(request.memory.slots), "--share", str(request.memory.share_bytes)),
        ]

    def _reap(self, worker: WorkerProcess) -> tuple[int, str]:
        """The exit status (negative: the signal that ended it) and what it wrote to stderr."""
        status = worker.process.wait()
        said = os.pread(worker.stderr, STDERR_BYTES, 0).decode("utf-8", "backslashreplace").strip()
        assert worker.process.stdin is not None
        worker.process.stdin.close()
        os.close(worker.pidfd)
        os.close(worker.stderr)
        if status != 0:
            kill_leftovers_of(self._job, worker.name)
        return status, said
