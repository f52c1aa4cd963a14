"""A user at the command line of a cluster: a namespace and a bucket of their own, an operator, worker processes.

The pods that the operator makes never start, because their image cannot be pulled. These tests start the workers
themselves, so that each test decides what runs when.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from kubemr_shell.errors import DocumentNotFound
from kubemr_shell.job.kinds import API_VERSION, JOB_KIND
from kubemr_shell.kube.resources import JOBS
from kubemr_shell.kube.status import state_of
from tests.support.calls import KUBEMR_SHELL
from tests.support.cluster import Cluster
from tests.support.runs import Done
from tests.support.s3_server import Bucket
from tests.support.waiting import PATIENCE_SECONDS, until

NO_IMAGE = "kubemr.invalid/none:0"


class Desk:
    """A user in a namespace. ``run`` and ``start`` call ``kubemr-shell`` in the folder of the test."""

    def __init__(self, cluster: Cluster, namespace: str, bucket: Bucket, folder: Path) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.bucket = bucket
        self.folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str, kubeconfig: str | None = None) -> Command:
        number = len(self._processes)
        command = Command(self.folder / f"{number}.out", self.folder / f"{number}.err")
        with command.stdout.open("wb") as out, command.stderr.open("wb") as err:
            command.process = subprocess.Popen(
                [KUBEMR_SHELL, *arguments],
                cwd=self.folder,
                env={
                    **os.environ,  # noqa: TID251 - credentials of the S3 server are in it
                    "KUBECONFIG": kubeconfig or self.cluster.kubeconfig,
                    "AWS_ENDPOINT_URL_S3": self.bucket.server.endpoint,
                    "XDG_STATE_HOME": str(self.folder / "state"),
                },
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        self._processes.append(command.process)
        return command

    def run(self, *arguments: str, kubeconfig: str | None = None) -> Done:
        """Run a command in the namespace of the test."""
        return self.start(*arguments, "-n", self.namespace, kubeconfig=kubeconfig).wait()

    def write(self, name: str, spec: dict[str, Any], *, job: str = "words", output: str = "out") -> str:
        """Write the YAML of a job whose output is in the bucket of the test. A field that is None is left out."""
        fields = {"image": NO_IMAGE, "output": f"{self.bucket.uri}/{output}", **spec}
        whole = {name: value for name, value in fields.items() if value is not None}
        metadata = {"generateName": job} if job.endswith("-") else {"name": job}
        document = {"apiVersion": API_VERSION, "kind": JOB_KIND, "metadata": metadata, "spec": whole}
        (self.folder / name).write_text(yaml.safe_dump(document))
        return name

    def words(self, **changes: Any) -> str:
        """Write the YAML of a job that counts words."""
        self.bucket.put("in/text", b"a b\nb c\n")
        spec = {
            "inputs": [f"{self.bucket.uri}/in/"],
            "mapCommand": "tr ' ' '\\n'",
            "reduceCommand": "uniq -c | sed 's/^ *//'",
            "partitions": 1,
            **changes,
        }
        return self.write("job.yaml", spec)

    def operator(self) -> None:
        """Start an operator for the namespace."""
        s3 = ("--s3-endpoint", self.bucket.server.endpoint, "--s3-region", self.bucket.server.region)
        self.start("operator", "--namespace", self.namespace, "--kubeconfig", self.cluster.kubeconfig, *s3, "--port=0")

    def worker(
        self, job: str = "words", name: str = "x", output: str = "out", state: str = "DEPLOYED", workers: int = 1
    ) -> Command:
        """Start one of ``workers`` workers when the job is in a state. The worker runs until the job has ended."""
        self.until_state(job, state)
        return self.start(
            *("worker", "--job", job, "--uid", self.job(job)["metadata"]["uid"], "--namespace", self.namespace),
            *("--name", f"{job}-0-{name}", "--workers", str(workers), "--slots", "2"),
            *("--output", f"{self.bucket.uri}/{output}"),
            *("--scratch", str(self.folder / f"scratch-{name}"), "--kubeconfig", self.cluster.kubeconfig),
        )

    def until_state(self, job: str, *states: str) -> None:
        def reached() -> bool:
            return state_of(self.job(job)) in states

        until(reached, f"{job} is {' or '.join(states)}")

    def until_condition(self, kind: str, job: str = "words") -> None:
        """Wait for a condition as kubectl does, which also compares the generation of the spec."""
        self.cluster.kubectl(
            "-n", self.namespace, "wait", f"--for=condition={kind}", f"mapreducejob/{job}", "--timeout=90s"
        )

    def job(self, name: str = "words") -> dict[str, Any]:
        """Return the job, or an empty object if there is none."""
        with suppress(DocumentNotFound):
            return self.cluster.client.get(JOBS, self.namespace, name)
        return {}

    def change(self, **spec: Any) -> None:
        """Change fields of the spec, as kubectl does."""
        self.cluster.client.patch(JOBS, self.namespace, "words", {"spec": spec})

    def set_status(self, **status: Any) -> None:
        """Change fields of the status, as the operator and workers do."""
        self.cluster.client.patch(JOBS, self.namespace, "words", {"status": status}, status=True)

    def object(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.cluster.kubectl("-n", self.namespace, "get", kind, name, "-o", "json"))
        return found

    def end(self) -> None:
        """End all processes of the test."""
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait(PATIENCE_SECONDS)


class Command:
    """A running command, whose stdout and stderr are files."""

    process: subprocess.Popen[bytes]

    def __init__(self, stdout: Path, stderr: Path) -> None:
        self.stdout = stdout
        self.stderr = stderr

    def wait(self, seconds: float = PATIENCE_SECONDS) -> Done:
        code = self.process.wait(seconds)
        return Done(code=code, stdout=self.stdout.read_bytes(), stderr=self.said())

    def said(self) -> str:
        return self.stderr.read_text(errors="backslashreplace")

    def until_said(self, text: str) -> None:
        until(lambda: text in self.said() or self.process.poll() is not None, f"{text!r} on stderr")
        assert text in self.said()

    def interrupt(self) -> Done:
        self.process.send_signal(signal.SIGINT)
        return self.wait()


@contextmanager
def opened(cluster: Cluster, namespace: str, bucket: Bucket, folder: Path) -> Iterator[Desk]:
    desk = Desk(cluster, namespace, bucket, folder)
    try:
        yield desk
    finally:
        desk.end()
