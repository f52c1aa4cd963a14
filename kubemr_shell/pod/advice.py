"""The advice how to continue a job of a cluster after an error that has ended one of its pods. Pure."""

from __future__ import annotations

from kubemr_shell.worker.advice import Advice


def pod_advice(job: str, namespace: str) -> Advice:
    """Return the advice for a job. Kubernetes replaces a pod that has ended, until this has failed several times."""
    there = f"-n {namespace}"
    return Advice(
        to_continue=f"the job continues by itself; if it has failed, by kubemr-shell retry {job} {there}",
        to_start_again=(
            f"start it again: kubemr-shell delete {job} --wait {there} && kubemr-shell submit JOB.yaml {there}"
        ),
    )
