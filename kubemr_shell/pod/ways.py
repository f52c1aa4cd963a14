"""How a job of a cluster goes on after an error that has ended one of its pods. Pure."""

from __future__ import annotations

from kubemr_shell.worker.way_on import WayOn


def way_on(job: str, namespace: str) -> WayOn:
    """Another pod takes the place of the one that ended, until that was in vain a few times."""
    there = f"-n {namespace}"
    return WayOn(
        goes_on=f"the job goes on by itself; once it has failed, by kubemr-shell retry {job} {there}",
        begins_anew=(
            f"begin it anew: kubemr-shell delete {job} --wait {there} && kubemr-shell submit JOB.yaml {there}"
        ),
    )
