"""Jobs in pods whose maps take a while, so that a test can do something to them meanwhile.

Processes in pods are found and signalled from this machine, as the node is here too.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from tests.support.pods import Site
from tests.support.runs import processes_with

FILES = 24
LEASE_SECONDS = "2"
HELD_SECONDS = 8
"""The additional seconds of the last map task: the job is at work when the test acts, however fast the machine is."""


def begin(site: Site, *, operators: int = 1, seconds: float = 0.7, **spec: object) -> None:
    """A job whose maps take a while: each file sleeps, and its lines are counted by their first letter."""
    for _ in range(operators):
        site.start_operator("--lease", LEASE_SECONDS)
    for number in range(FILES):
        site.bucket.put(f"in/{number:02d}", b"".join(b"%c\t%d\n" % (97 + n % 7, number * 100 + n) for n in range(100)))
    site.submit(
        "job",
        **{
            "inputs": [f"{site.bucket.uri}/in/"],
            "mapCommand": f'cat; sleep {seconds}; [ "$KUBEMR_TASK" != {FILES - 1} ] || sleep {HELD_SECONDS}',
            "reduceCommand": "cat",
            "replicas": 3,
            "partitions": 4,
            "slots": 1,
            "split": {"wholeFiles": True},
            **spec,
        },
    )


def expected() -> list[bytes]:
    return sorted(b"%c\t%d" % (97 + n % 7, number * 100 + n) for number in range(FILES) for n in range(100))


def ends_well(site: Site, seconds: float = 150) -> None:
    """COMPLETE, with each record once, and nothing left but the parts."""
    site.until_state("job", "COMPLETE", seconds=seconds)
    assert sorted(site.result("job").splitlines()) == expected()
    site.until(lambda: site.status("job").get("cleaned"), seconds=60)
    assert [key for key in site.bucket.keys("job/") if "_kubemr" in key] == []
    assert site.bucket.uploads() == []


def until_some_are_done(site: Site, least: int = 3) -> None:
    def done() -> bool:
        maps = (site.status("job").get("progress") or {}).get("map", "0/0")
        return int(maps.split("/")[0]) >= least

    site.until(done)


def processes_of(pod: str) -> list[int]:
    """The worker of a pod and its commands: pids as this machine sees them."""
    return [found.pid for found in processes_with(f"KUBEMR_POD={pod}")]


def signal_pod(pod: str, number: signal.Signals) -> None:
    pids = processes_of(pod)
    assert pids, f"the processes of {pod} are not seen from here"
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
