"""Decides whether a run may use an output, and refuses what would mix two results or lose files."""

from __future__ import annotations

from kubemr_shell.errors import UsageError
from kubemr_shell.outputs.contents import Found
from kubemr_shell.outputs.output import Output


def check_output(output: Output, found: Found, *, resume: bool, overwrite: bool) -> None:
    """Raise UsageError if the run would mix two results or lose other files. The error says which flag helps."""
    place = f"the output {output.uri}"
    if found.strangers:
        shown = ", ".join(found.strangers[:3]) + (" …" if len(found.strangers) > 3 else "")
        raise UsageError(f"{place} holds files that kubemr-shell did not write ({shown}): choose another {output.kind}")
    if found.success is not None and not (overwrite or resume):
        raise UsageError(f"{place} holds a finished result: --overwrite replaces it")
    if found.success is None and found.unfinished and not (overwrite or resume):
        raise UsageError(f"{place} holds an unfinished job: --resume continues it, --overwrite starts again")


def check_no_cluster_job_for_run(output: Output) -> None:
    """Raise UsageError if the output holds something of a cluster job: that job may still be at work."""
    if uids := output.cluster_jobs():
        raise UsageError(
            f"the output {output.uri} holds temporaries of a job of a cluster ({uids[0]}): wait for its end, or choose "
            f"another {output.kind}; if that job is gone, kubemr-shell clean --force {output.uri} removes what it left"
        )


def check_no_cluster_job_for_clean(output: Output) -> None:
    """Raise UsageError if a cluster job may be at work in an output that a user wants to clean.

    Only the job's board, in the cluster, tells whether the job runs. The age of its objects tells nothing: while a task
    runs for hours, nothing is written.
    """
    if uids := output.cluster_jobs():
        columns = "NAMESPACE:.metadata.namespace,JOB:.metadata.name,UID:.metadata.uid"
        raise UsageError(
            f"{output.uri} holds temporaries of a job of a cluster ({uids[0]}), which may be at work: kubemr-shell "
            f"delete removes it with them; its name: kubectl get mapreducejobs -A -o custom-columns={columns} | "
            f"grep {uids[0]}; if it is gone: kubemr-shell clean --force {output.uri}"
        )


def check_whole(output: str, found: Found) -> None:
    """Raise UsageError if some file of a finished result has been removed."""
    if found.missing:
        raise UsageError(
            f"the finished result in {output} has no {', '.join(found.missing[:3])} any more: "
            "put it back, or start again with --overwrite"
        )
