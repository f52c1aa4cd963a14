"""The advice how to continue a job of a cluster after an error that has ended one of its pods. Pure."""

from __future__ import annotations

from kubemr_shell.worker.way_on import WayOn


def way_on(job: str, namespace: str) -> WayOn:
    """Return the advice for a job. Kubernetes replaces a pod that has ended, until this has failed several times."""
    there = f"-n {namespace}"
    return WayOn(
        goes_on=f"the job continues by itself; if it has failed, by kubemr-shell retry {job} {there}",
        begins_anew=(
            f"start it again: kubemr-shell delete {job} --wait {there} && kubemr-shell submit JOB.yaml {there}"
        ),
    )
