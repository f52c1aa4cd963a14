"""Measures how soon a job of real pods begins and ends: ``python -m benchmarks.cluster_latency [WORKERS ...]``.

The benchmark measures the time from ``kubectl apply`` to the first map command, and from the end of the last command
to COMPLETE. It needs the same programs as ``make test-cluster``. Every map command writes its begin, its end, and the
CPU time that its worker has used so far. All other values come from the API server.

kubemr-shell is responsible for two parts of the time to the first command. The first part is from the creation of the
job to the creation of the batch Job. The second part is from the start of the container to the command. The rest is the
time of Kubernetes.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from kubemr_shell.kube.resources import BATCH_JOBS
from kubemr_shell.kube.stamps import seconds_of
from tests.support.cluster import running_cluster
from tests.support.pods import Site, image_of, new_site
from tests.support.s3_server import new_bucket, running_server

TASKS_A_WORKER = 2
"""The number of map tasks for each worker."""
COMMAND = """cat > /dev/null
begin=$(date +%s.%N)
set -- $(cat /proc/$PPID/stat)
sleep 1
echo $begin $(date +%s.%N) $(hostname) $((${14} + ${15} + ${16} + ${17}))
"""
"""A map command that writes its begin, its end, its pod, and the CPU ticks of the worker and its ended children."""


def measured(site: Site, workers: int) -> dict[str, Any]:
    """Run one job with ``workers`` workers. Return the measured times in seconds."""
    name = f"latency-{workers}"
    for number in range(workers * TASKS_A_WORKER):
        site.bucket.put(f"{name}-in/{number:04d}", b"x\n")
    began = time.time()  # noqa: TID251 - the commands' clock
    site.submit(
        name,
        inputs=[f"{site.bucket.uri}/{name}-in/"],
        mapCommand=COMMAND,
        partitions=0,
        replicas=workers,
        slots=1,
        split={"wholeFiles": True},
    )
    site.until_state(name, "COMPLETE", seconds=300)
    complete = time.time()  # noqa: TID251 - the commands' clock
    lines = [line.split() for line in site.result(name).decode().splitlines()]
    first, last = min(float(begin) for begin, *_ in lines), max(float(end) for _, end, *_ in lines)
    ticks: dict[str, int] = {}
    for _, _, pod, used in lines:
        ticks[pod] = min(int(used), ticks.get(pod, int(used)))
    started = [
        seconds_of(one["state"][kind]["startedAt"])
        for pod in site.pods(name)
        for one in pod["status"].get("containerStatuses", ())
        for kind in ("running", "terminated")
        if kind in one["state"]
    ]
    batch = site.cluster.client.get(BATCH_JOBS, site.namespace, name)
    return {
        "workers": workers,
        "apply to first command": round(first - began, 1),
        "apply to batch Job (whole seconds)": seconds_of(batch["metadata"]["creationTimestamp"]) - int(began),
        "first container started to first command (to a second)": round(first - min(started), 1),
        "last command's end to COMPLETE": round(complete - last, 2),
        "CPU seconds of a worker until its first command": round(
            sum(ticks.values()) / len(ticks) / os.sysconf("SC_CLK_TCK"), 2
        ),
        "workers that got a task": len(ticks),
    }


def main() -> None:
    """Measure one job for each number of workers, and print one line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workers", type=int, nargs="*", default=[1, 10, 50])
    arguments = parser.parse_args()
    with ExitStack() as stack:
        cluster = running_cluster(stack)
        server = stack.enter_context(running_server(os.environ))  # noqa: TID251 - what says where the server is
        client = stack.enter_context(closing(server.client()))
        bucket = stack.enter_context(new_bucket(server, client))
        namespace = stack.enter_context(cluster.namespace())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        site = stack.enter_context(new_site(cluster, namespace, bucket, image_of(), folder))
        site.start_operator()
        for workers in arguments.workers:
            print(json.dumps(measured(site, workers)), flush=True)


if __name__ == "__main__":
    main()
