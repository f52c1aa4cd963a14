"""Counts the S3 requests of whole jobs by a proxy in front of the server, and compares them with ``plan``."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.bench import DATA
from tests.support.s3_proxy import proxying
from tests.support.s3_server import Bucket, S3Server, new_bucket

KINDS = ("put", "get", "delete")
"""The kinds of requests, as ``plan`` names them."""
WITHIN = 0.05
"""The share by which a plan may differ from the requests that were sent."""
WORDS = 5000
"""The words in each object. With up to 1,000 partitions, every partition gets some words of each map task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job whose requests are counted."""

    name: str
    maps: int
    partitions: int
    flags: tuple[str, ...] = ()
    has_tmp: bool = True
    task_seconds: float = 0.5
    """The seconds that each command sleeps.

    A worker commits short tasks together, and a plan does not know the time of a task.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The counted requests of one job."""

    job: Job
    seconds: float
    sent: Mapping[str, int]
    """The number of requests by kind."""
    operations: Mapping[str, int] = field(default_factory=dict)
    planned: Mapping[str, int] | None = None
    problem: str = ""

    @property
    def farthest(self) -> float | None:
        """Return the largest difference of the plan from the sent requests, as a share of them.

        Only the kinds that are billed count. Return None without a plan.
        """
        if self.planned is None:
            return None
        return max(abs(self.planned[kind] / self.sent[kind] - 1) for kind in ("put", "get") if self.sent[kind])


def jobs(scale: int) -> tuple[Job, ...]:
    """Return the jobs. ``scale`` divides the maps and the partitions of the large job."""
    side = 1000 // scale
    return (
        Job(name="no partitions", maps=40, partitions=0, has_tmp=False),
        Job(name="local temporaries", maps=40, partitions=8, has_tmp=False),
        Job(name="temporaries in S3", maps=40, partitions=8),
        Job(name="two workers", maps=40, partitions=8, flags=("--workers", "2", "--slots", "1")),
        Job(name="many cells", maps=side, partitions=side, task_seconds=0),
    )


def count_all(server: S3Server, client: Any, scale: int, inherited: Mapping[str, str]) -> list[Counted]:
    """Count the requests of all jobs, each in a new bucket."""
    counted = []
    for job in jobs(scale):
        print(f"counting the requests of {_title(job)}", flush=True)
        with new_bucket(server, client) as bucket:
            counted.append(count(job, bucket, inherited))
    return counted


def count(job: Job, bucket: Bucket, inherited: Mapping[str, str]) -> Counted:
    """Plan a job, run it, and count its requests.

    All inputs and outputs are in the bucket. The input of each map task is one object.
    """
    for number in range(job.maps):
        text = "".join(f"{number * 7 + word:06d}\n" for word in range(WORDS))
        bucket.put(f"in/{number:05d}", text.encode())
    pause = f"sleep {job.task_seconds}; " if job.task_seconds else ""
    reduce = ("-r", f"{pause}uniq -c") if job.partitions else ()
    commands = ["--whole-files", "-m", f"{pause}cat", "-p", str(job.partitions), *reduce]
    tmp = ["--tmp", f"{bucket.uri}/tmp"] if job.has_tmp else []
    arguments = [*commands, "-o", f"{bucket.uri}/out", *tmp, *job.flags, f"{bucket.uri}/in/"]
    with proxying(bucket.server.endpoint) as proxy:
        environment = {
            **inherited,
            **bucket.server.environment,
            "AWS_ENDPOINT_URL": proxy.endpoint,
            "XDG_STATE_HOME": str(DATA / "state"),
        }
        planned = _planned(arguments, environment)
        proxy.forget()
        begin = time.perf_counter()
        done = _call(["run", "-q", *arguments], environment)
        seconds = time.perf_counter() - begin
        sent, operations = proxy.counts(billed=True), proxy.counts()
    problem = f"exit status {done.returncode}: {done.stderr.strip()}" if done.returncode else _left(bucket)
    return Counted(job=job, seconds=seconds, sent=sent, operations=operations, planned=planned, problem=problem)


def _left(bucket: Bucket) -> str:
    """Return a message about objects that a finished job left behind, or an empty string."""
    keys = [key for key in bucket.keys("") if not key.startswith(("in/", "out/part-", "out/_SUCCESS"))]
    uploads = bucket.uploads()
    return f"left in the bucket: {keys[:3]}, {uploads[:3]}" if keys or uploads else ""


def _planned(arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, int] | None:
    """Return the planned requests by kind. Return None if ``plan`` fails."""
    done = _call(["plan", "--output-format", "json", *arguments], environment)
    if done.returncode:
        return None
    return {kind: int(json.loads(done.stdout)["requests"][kind]) for kind in KINDS}


def _call(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name("kubemr-shell"))
    return subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, check=False)


def _title(job: Job) -> str:
    return f"{job.name}, {job.maps:,} x {job.partitions:,}"


def table(counted: Sequence[Counted]) -> str:
    """Return the counts as a table."""
    lines = [f"{'S3 requests of a job':42}{'put':>9}{'get':>9}{'delete':>9}{'seconds':>10}  plan"]
    for one in counted:
        numbers = "".join(f"{one.sent.get(kind, 0):9,}" for kind in KINDS)
        lines.append(f"  {_title(one.job):40}{numbers}{one.seconds:10.1f}  {_verdict(one)}")
        lines.append("    " + ", ".join(f"{name} {many:,}" for name, many in Counter(one.operations).most_common()))
        if one.planned is not None:
            lines.append("    planned: " + ", ".join(f"{kind} {one.planned[kind]:,}" for kind in KINDS))
        if one.problem:
            lines.append(f"    {one.problem}")
    return "\n".join(lines)


def _verdict(one: Counted) -> str:
    if one.farthest is None:
        return "not planned"
    if not one.job.task_seconds:
        return f"{one.farthest:.1%} off, with tasks that take no time"
    return f"{'pass' if one.farthest <= WITHIN else 'MISS'}, {one.farthest:.1%} off"


def as_json(counted: Sequence[Counted]) -> list[dict[str, object]]:
    """Return the counts as JSON objects, one for each job."""
    return [
        {
            "job": _title(one.job),
            "requests": dict(one.sent),
            "operations": dict(one.operations),
            "planned": None if one.planned is None else dict(one.planned),
            "seconds": one.seconds,
            "problem": one.problem,
        }
        for one in counted
    ]
