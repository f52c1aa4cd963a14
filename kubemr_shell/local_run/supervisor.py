"""The supervisor of several worker processes on one job: starts them, replaces killed ones, and stops them all.

The supervisor takes no part in the job. The stdin of a worker is a pipe to which nobody writes. When the supervisor
is gone, the pipe ends, and the worker stops.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from dataclasses import dataclass

from kubemr_shell.command.ourselves import command_line
from kubemr_shell.command.pidfd import check_pidfds, open_pidfd
from kubemr_shell.errors import KubemrError
from kubemr_shell.job.state import ENDED, JobState
from kubemr_shell.job_folder.board import open_board
from kubemr_shell.job_folder.folder import JobFolder
from kubemr_shell.job_folder.leftovers import kill_leftovers_of
from kubemr_shell.local_run.request import RunRequest
from kubemr_shell.signals import EXIT_CODES
from kubemr_shell.waits.flag import Flag

REPLACEMENTS_A_WORKER = 100
"""The number of replacements for each worker after which the run gives up, because its workers keep being killed."""
STOP_SECONDS = 15.0
"""The seconds that workers get to stop before they are killed."""
STDERR_BYTES = 1 << 16
"""The most bytes that are read of a worker's stderr."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerProcess:
    """A worker that was started. ``pidfd`` is readable when its process has ended."""

    name: str
    process: subprocess.Popen[bytes]
    pidfd: int
    stderr: int
    """The descriptor of the memory file that receives the worker's stderr."""


class WorkerFailed(KubemrError):
    """The error of a worker that ended by itself, with the worker's message and exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Supervisor:
    """A set of ``request.workers`` worker processes, which do the work of the job."""

    def __init__(self, job: JobFolder, request: RunRequest) -> None:
        self._job = job
        self._request = request
        self._stop = Flag()
        self._workers: dict[int, WorkerProcess] = {}
        self._started = 0

    def run(self) -> JobState | None:
        """Run until the job has ended, and return its state. Return None after ``stop``.

        The first worker that sees the end of the job is enough: another one may be suspended, and ``close`` ends it.
        Raise WorkerFailed if a worker ends with an error, or if workers are killed too often.
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
                    is_over = self._handle_end_of(self._workers.pop(descriptor)) or is_over
        if self._stop.is_set():
            return None
        with open_board(self._job) as board:
            state = board.view().state
        return state if state in ENDED else None

    def stop(self) -> None:
        """Make ``run`` return None. Any thread and any signal handler may call this."""
        self._stop.set()

    def close(self) -> None:
        """End all workers, by force if SIGTERM does not help, and the processes that their commands left behind."""
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

    def _handle_end_of(self, worker: WorkerProcess) -> bool:
        """Return True if a worker has ended because the job has ended.

        If a signal ended the worker, start another worker and return False. Raise WorkerFailed if the worker has ended
        with an error, or if too many workers were killed.
        """
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
        stderr = os.memfd_create(name)  # a file would not do: a full disk may be the error
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
        """Wait for a worker and return its exit status and stderr. A negative status is the signal that ended it."""
        status = worker.process.wait()
        said = os.pread(worker.stderr, STDERR_BYTES, 0).decode("utf-8", "backslashreplace").strip()
        assert worker.process.stdin is not None
        worker.process.stdin.close()
        os.close(worker.pidfd)
        os.close(worker.stderr)
        if status != 0:
            kill_leftovers_of(self._job, worker.name)
        return status, said
