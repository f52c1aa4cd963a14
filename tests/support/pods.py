"""A place on the real cluster where jobs run in pods: a namespace with an operator, the base image, a bucket.

The operator is a process of this machine with the rights of the kubeconfig; what it deploys are real pods.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kubemr_shell.board.stores.documents import JOB_LABEL
from kubemr_shell.job.kinds import API_VERSION, JOB_KIND
from kubemr_shell.job.state import ENDED
from kubemr_shell.kube.resources import JOBS, PODS, SECRETS
from kubemr_shell.kube.status import state_of, status_of
from tests.support.cluster import Cluster
from tests.support.containers import PREFIX, build
from tests.support.s3_server import Bucket
from tests.support.skips import skip
from tests.support.waiting import PATIENCE_SECONDS, until

SECONDS = 100
PROVIDE = "KUBEMR_TEST_LOAD_IMAGE='kind load docker-image' make test-cluster"
Object = dict[str, Any]


def s3_endpoint_in_pods(bucket: Bucket) -> str:
    """The server of the tests, as pods reach it."""
    return os.environ.get("KUBEMR_TEST_S3_ENDPOINT_IN_PODS", bucket.server.endpoint)  # noqa: TID251 - tests are told here


class NoImage(Exception):
    """Why pods cannot have the base image."""


@pytest.fixture(scope="session")
def base_image(cluster: Cluster) -> str:
    try:
        return image_of()
    except NoImage as error:
        skip("no image for pods", why=str(error), command=PROVIDE)


def image_of(name: str = "base") -> str:
    """The base image, or one of images/: built, and loaded to the node under a tag that is not pulled again.

    KUBEMR_TEST_IMAGE names a base image that is there already.
    """
    known = os.environ.get("KUBEMR_TEST_IMAGE") if name == "base" else None  # noqa: TID251 - tests are told here
    if known:
        return known
    if _loading() is None:
        raise NoImage("KUBEMR_TEST_LOAD_IMAGE names no command that copies an image to the nodes")
    build("base-image" if name == "base" else f"image-{name}")
    image = f"{PREFIX}/{name}:pods"
    subprocess.run(["docker", "tag", f"{PREFIX}/{name}", image], check=True)
    load_image(image)
    return image


def load_image(image: str) -> None:
    """Copy an image of the Docker engine to the node; where nothing says how, nodes pull it."""
    if command := _loading():
        done = subprocess.run([*shlex.split(command), image], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command} {image}: {done.stderr}"


def _loading() -> str | None:
    return os.environ.get("KUBEMR_TEST_LOAD_IMAGE")  # noqa: TID251 - tests are told here


@dataclass
class Site:
    """A namespace of the cluster with an operator, an image and a bucket, where a test's jobs run."""

    cluster: Cluster
    namespace: str
    bucket: Bucket
    image: str
    log: Path
    operators: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_operator(self, *options: str) -> subprocess.Popen[bytes]:
        """One more operator of this namespace."""
        with open(self.log, "ab") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "kubemr_shell", "operator", "--kubeconfig", self.cluster.kubeconfig),
                    *("--namespace", self.namespace, "--image", self.image, "--port", "0"),
                    *("--s3-endpoint", s3_endpoint_in_pods(self.bucket), "--s3-region", self.bucket.server.region),
                    *("--s3-secret", "s3", *options),
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.operators.append(process)
        return process

    def submit(self, name: str, **spec: Any) -> None:
        """Create a job as ``kubectl apply`` does. Its output is the prefix of the bucket with the job's name."""
        whole = {"output": f"{self.bucket.uri}/{name}", **spec}
        self.cluster.apply(
            {"apiVersion": API_VERSION, "kind": JOB_KIND, "metadata": {"name": name}, "spec": whole},
            namespace=self.namespace,
        )

    def job(self, name: str) -> Object:
        return self.cluster.client.get(JOBS, self.namespace, name)

    def status(self, name: str) -> Object:
        return dict(status_of(self.job(name)))

    def change(self, name: str, **spec: Any) -> None:
        self.cluster.client.patch(JOBS, self.namespace, name, {"spec": spec})

    def pods(self, name: str) -> list[Object]:
        found: list[Object] = self.cluster.client.list(PODS, self.namespace, labels=f"{JOB_LABEL}={name}")["items"]
        return found

    def running(self, name: str) -> list[str]:
        """The names of the pods of a job that run."""
        return [pod["metadata"]["name"] for pod in self.pods(name) if pod["status"].get("phase") == "Running"]

    def until(self, what: Callable[[], Any], seconds: float = SECONDS) -> Any:
        """Return the first true value of ``what``. Fail with the logs of the operator and of the workers."""
        return until(what, self._explained, seconds=seconds)

    def until_state(self, name: str, *states: str, seconds: float = SECONDS) -> Object:
        """The job when it is in one of these states; any other end fails the test at once."""

        def look() -> Object | None:
            job = self.job(name)
            state = state_of(job)
            assert state in states or state not in ENDED, job["status"]
            return job if state in states else None

        found: Object = self.until(look, seconds)
        return found

    def result(self, name: str) -> bytes:
        """The bytes of all parts, in order."""
        keys = sorted(key for key in self.bucket.keys(f"{name}/") if "/part-" in key)
        return b"".join(self.bucket.get(key) for key in keys)

    def close(self) -> None:
        for process in self.operators:
            process.terminate()
        for process in self.operators:
            process.wait(timeout=PATIENCE_SECONDS)

    def _explained(self) -> str:
        jobs = self.cluster.kubectl("-n", self.namespace, "get", "mrj", "-o", "yaml", check=False)
        pods = self.cluster.kubectl("-n", self.namespace, "get", "pods", "-o", "wide", check=False)
        logs = self.cluster.kubectl(
            "-n", self.namespace, "logs", "-l", "turbobytes.com/role=worker", "--tail=20", check=False
        )
        return "\n".join((self.log.read_text(), jobs, pods, logs))


@contextmanager
def new_site(cluster: Cluster, namespace: str, bucket: Bucket, image: str, folder: Path) -> Iterator[Site]:
    site = Site(cluster=cluster, namespace=namespace, bucket=bucket, image=image, log=folder / "operator.log")
    secret: Mapping[str, str] = {
        "AWS_ACCESS_KEY_ID": bucket.server.access_key,
        "AWS_SECRET_ACCESS_KEY": bucket.server.secret_key,
    }
    cluster.client.create(SECRETS, namespace, {"metadata": {"name": "s3"}, "stringData": dict(secret)})
    try:
        yield site
    finally:
        site.close()
        # What still works would write into the bucket while it is removed.
        end = ("delete", "jobs.batch,pods", "--all", "--grace-period=0", "--force")
        cluster.kubectl("-n", namespace, *end, check=False)


@pytest.fixture
def quiet_site(cluster: Cluster, namespace: str, bucket: Bucket, base_image: str, tmp_path: Path) -> Iterator[Site]:
    """Without an operator yet."""
    with new_site(cluster, namespace, bucket, base_image, tmp_path) as site:
        yield site


@pytest.fixture
def site(quiet_site: Site) -> Site:
    quiet_site.start_operator()
    return quiet_site
