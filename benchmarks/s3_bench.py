"""Measures jobs with S3 beside the alternatives: ``python -m benchmarks.s3_bench [--quick] [WORD ...]``.

The server is the same as for the tests (``tests/support/s3_server.py``): the server that KUBEMR_TEST_S3_ENDPOINT
names, or MinIO in Docker. Speeds are measured as in ``bench``. Then a proxy in front of the server counts requests. The
exit status is 1 if a run of kubemr-shell fails or gives a wrong result.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from benchmarks import datasets, report, s3_counts
from benchmarks.bench import ALTERNATIVES, DATA, Bench
from benchmarks.s3_workloads import KEYS, LARGE_BYTES, TEXT_BYTES, workloads
from benchmarks.workloads import Workload
from tests.support.s3_server import Bucket, NoServer, new_bucket, running_server

QUICK = 20
"""The number by which a quick benchmark divides sizes."""
COUNTS = "requests"
"""The word that chooses the counts of requests."""


def _fill(chosen: Sequence[Workload], scale: int, environment: Mapping[str, str]) -> None:
    """Put the objects into the bucket that the chosen workloads read."""
    wanted = " ".join(contender.shell for workload in chosen for contender in workload.contenders)
    text = datasets.dataset("text", TEXT_BYTES // scale, DATA)
    for name, step, argument in (
        ("text", "put", str(text)),
        ("large", "put-large", str(LARGE_BYTES // scale)),
        ("keys/", "put-many", str(KEYS // scale)),
    ):
        if f'"$BUCKET"/{name}' in wanted:
            print(f"filling the bucket: {name}", flush=True)
            program = [sys.executable, str(ALTERNATIVES / "s3.py")]
            subprocess.run([*program, step, f"{environment['BUCKET']}/{name}", argument], env=environment, check=True)


def _measured(bucket: Bucket, scale: int, words: Sequence[str], inherited: Mapping[str, str]) -> list[report.Result]:
    environment = {
        **inherited,
        **bucket.server.environment,
        "AWS_ENDPOINT_URL": bucket.server.endpoint,
        "XDG_STATE_HOME": str(DATA / "state"),
        "BUCKET": bucket.uri,
        "S3": f"{sys.executable} {ALTERNATIVES / 's3.py'}",
    }
    chosen = [one for one in workloads(scale) if not words or any(word in one.name for word in words)]
    _fill(chosen, scale, environment)
    begin = time.monotonic()
    bench = Bench(
        data=DATA,
        scale=scale,
        python=sys.executable,
        only_ours=False,
        inherited=environment,
        clock=lambda: time.monotonic() - begin,
    )
    return [bench.measure(workload) for workload in chosen]


def main(arguments: Sequence[str]) -> int:
    """Run the chosen workloads and counts. Return the exit status."""
    parser = argparse.ArgumentParser(description="Measure jobs with S3 beside the alternatives.")
    parser.add_argument("--quick", action="store_true", help=f"a {QUICK}th of the data, fewer rounds")
    parser.add_argument("--json", type=Path, default=DATA / "s3-results.json", help="where the figures go as JSON")
    parser.add_argument("words", nargs="*", metavar="WORD", help=f"only what has one of these in its name; {COUNTS}")
    options = parser.parse_args(arguments)
    scale = QUICK if options.quick else 1
    inherited = dict(os.environ)  # noqa: TID251 - a command line of its own
    DATA.mkdir(exist_ok=True)
    counted: list[s3_counts.Counted] = []
    try:
        with running_server(inherited) as server, closing(server.client()) as client:
            with new_bucket(server, client) as bucket:
                results = _measured(bucket, scale, options.words, inherited)
            if not options.words or any(word in COUNTS for word in options.words):
                counted = s3_counts.count_all(server, client, scale, inherited)
    except NoServer as reason:
        print(f"There is no S3 server to measure with: {reason}", file=sys.stderr)
        return 1
    print(f"\n{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}\n")
    if results:
        print(report.table(results))
    if counted:
        print(f"\n{s3_counts.table(counted)}")
    if options.quick:
        print(f"\nThe targets are meant for {QUICK} times as much: see python -m benchmarks.s3_bench.")
    figures = [*report.as_json(results), *s3_counts.as_json(counted)]
    options.json.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"\nas JSON: {options.json}")
    return 1 if any(result.wrong for result in results) or any(one.problem for one in counted) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
