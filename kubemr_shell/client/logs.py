"""Shows the logs of a job's pods, each line after the name of its pod."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import urllib3

from kubemr_shell.board.stores.documents import JOB_LABEL, Document
from kubemr_shell.client.ending import has_ended
from kubemr_shell.client.jobs import Jobs
from kubemr_shell.client.log_lines import LogLines
from kubemr_shell.client.views import view_of
from kubemr_shell.errors import BoardUnavailable, DocumentNotFound, JobNotFound, KubemrError, StdoutError, UsageError
from kubemr_shell.job.names import parse_task_label, task_label
from kubemr_shell.kube.marks import CONTAINER, ROLE_LABEL, WORKER
from kubemr_shell.kube.resources import PODS
from kubemr_shell.kube.status import state_of

POLL_SECONDS = 2.0
"""The seconds between two searches for new pods."""
IDLE_SECONDS = 300.0
"""The seconds after which a silent connection is opened again, because it may be dead."""
CHUNK_BYTES = 1 << 16
"""The most bytes of a log that are read at a time."""

Write = Callable[[bytes], None]
"""A function that writes bytes to the user."""


def task_of(text: str) -> str:
    """Return the label of a task, such as ``map/17``, as lines of attempts begin. Raise UsageError for other texts."""
    try:
        return task_label(*parse_task_label(text))
    except ValueError as error:
        raise UsageError(f"{text}: no task: write map/17 or reduce/3") from error


def must_have_task(job: Document, task: str) -> None:
    """Raise UsageError if the plan of the job has no such task. Without a plan, accept any task."""
    name, plan = job["metadata"]["name"], view_of(job).plan
    phase, number = parse_task_label(task)
    if plan is None or number < plan.layouts[phase].tasks:
        return
    tasks = plan.layouts[phase].tasks
    has = f"its {phase} tasks are {task_label(phase, 0)} to {task_label(phase, tasks - 1)}" if tasks else "it has none"
    raise UsageError(f"job {name} has no task {task}: {has}")


class JobLogs:
    """The logs of a job. ``write`` receives whole lines, and ``say`` the reasons why a log cannot be shown."""

    def __init__(self, jobs: Jobs, name: str, *, task: str | None, write: Write, say: Callable[[str], None]) -> None:
        self._jobs = jobs
        self._name = name
        self._task = task
        self._write = write
        self._say = say
        self._lock = threading.Lock()
        self._lines = 0
        self._failure: StdoutError | None = None

    def show(self) -> int:
        """Write the current logs, one pod after the other, and return the number of lines."""
        pods = self._pods()
        if not pods:
            state = state_of(self._jobs.get(self._name))
            raise JobNotFound(
                f"job {self._name} is {state} and has no pods (any more): kubemr-shell status {self._name} says why"
            )
        for pod in pods:
            try:
                self._copy(pod["metadata"]["name"], LogLines(self._task), follow=False)
            except StdoutError:
                raise
            except KubemrError as error:
                self._say(str(error))
        return self._lines

    def follow(self, stop: threading.Event) -> None:
        """Write the logs of all pods at once, and all that follows, until the job and its logs have ended."""
        threads: dict[str, threading.Thread] = {}
        while not stop.is_set():
            if self._failure:
                raise self._failure
            is_over = self._is_over()
            for pod in self._pods_now():
                name = pod["metadata"]["name"]
                if name not in threads and _has_begun(pod):
                    threads[name] = threading.Thread(
                        target=self._follow, args=(name, stop), name=f"log of {name}", daemon=True
                    )
                    threads[name].start()
            if is_over and not any(thread.is_alive() for thread in threads.values()):
                return
            stop.wait(POLL_SECONDS if not is_over else 0.2)

    def _is_over(self) -> bool:
        try:
            return has_ended(self._jobs.get(self._name))
        except BoardUnavailable:
            return False

    def _follow(self, pod: str, stop: threading.Event) -> None:
        lines = LogLines(self._task)
        while not stop.is_set():
            try:
                self._copy(pod, lines, follow=True)
                return
            except BoardUnavailable:
                stop.wait(1.0)
            except StdoutError as error:
                self._failure = error
                return
            except KubemrError as error:
                self._say(str(error))
                return

    def _copy(self, pod: str, lines: LogLines, *, follow: bool) -> None:
        query = {"container": CONTAINER, "timestamps": "true", "follow": str(follow).lower()}
        if lines.since:
            query["sinceTime"] = lines.since
        lines.begin()
        path, what = PODS.path(self._jobs.namespace, pod, "log"), f"log of pod {pod}"
        with self._jobs.errors_explained():
            try:
                answer = self._jobs.client.open_stream(path, what, query, idle_seconds=IDLE_SECONDS)
            except DocumentNotFound:
                self._say(f"pod {pod} is gone, and its log with it")
                return
        try:
            for chunk in _chunks(answer, what):
                self._put(pod, lines.take(chunk))
            self._put(pod, lines.end())
        finally:
            with suppress(Exception):
                answer.close()

    def _put(self, pod: str, lines: Iterator[bytes]) -> None:
        prefix = f"{pod}: ".encode()
        found = list(lines)
        if not found:
            return
        with self._lock:
            self._lines += len(found)
            self._write(b"".join(b"%b%b\n" % (prefix, line) for line in found))

    def _pods_now(self) -> list[Document]:
        """Return the pods of the job, or an empty list while the API server does not answer."""
        try:
            return self._pods()
        except BoardUnavailable:
            return []

    def _pods(self) -> list[Document]:
        labels = f"{JOB_LABEL}={self._name},{ROLE_LABEL}={WORKER}"
        with self._jobs.errors_explained():
            found: list[Document] = self._jobs.client.list(PODS, self._jobs.namespace, labels=labels)["items"]
        return sorted(found, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))


def _chunks(answer: urllib3.BaseHTTPResponse, what: str) -> Iterator[bytes]:
    """Yield chunks as they arrive, so that no line waits until a buffer is full."""
    try:
        yield from answer.stream(CHUNK_BYTES)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise BoardUnavailable(f"{what}: the connection was cut: {error}") from error


def _has_begun(pod: Document) -> bool:
    """Return whether a pod has a log: its container runs, or has run."""
    statuses = pod.get("status", {}).get("containerStatuses") or ()
    return any("waiting" not in (one.get("state") or {}) for one in statuses if one["name"] == CONTAINER)
