"""Decides whether a run may use an output. Refuses a run that would mix two results or lose files."""

from __future__ import annotations

from kubemr_shell.errors import UsageError
from kubemr_shell.job.names import PART, SUCCESS
from kubemr_shell.outputs.contents import OutputContents
from kubemr_shell.outputs.output import Output


def check_output(output: Output, found: OutputContents, *, resume: bool, overwrite: bool) -> None:
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
            "delete JOB removes the job and its temporaries; to find JOB: kubectl get mapreducejobs -A -o "
            f"custom-columns={columns} | "
            f"grep {uids[0]}; if the job is gone: kubemr-shell clean --force {output.uri}"
        )


def check_whole(output: Output, found: OutputContents) -> None:
    """Raise UsageError if a file of a finished result has been removed, or has another size.

    The checksums are not compared, because a repeated ``run --resume`` would read the whole result each time.
    ``kubemr-shell results`` compares them.
    """
    way = "put it back, or start again with --overwrite"
    if found.missing:
        raise UsageError(f"the finished result in {output.uri} has no {', '.join(found.missing[:3])} any more: {way}")
    sizes = {one.uri: one.size for one in output.storage.list(f"{output.uri}/{PART}")}
    for part in (found.success or {}).get("parts", []):
        size = sizes.get(f"{output.uri}/{part['name']}")
        if size != part["bytes"]:
            has = "is no file" if size is None else f"has {size} bytes"
            raise UsageError(f"{output.uri}/{part['name']}: {has}, {SUCCESS} says {part['bytes']}: {way}")
