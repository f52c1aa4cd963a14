"""Finds the results of a cluster job, as this machine can reach them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kubemr_shell.board.stores.documents import Document
from kubemr_shell.client.ending import failure_of
from kubemr_shell.client.views import view_of
from kubemr_shell.errors import JobNotFound
from kubemr_shell.job.spec_mappings import S3Spec
from kubemr_shell.job.state import JobState
from kubemr_shell.job.validate import spec_from_mapping

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
"""The environment variables that name the endpoint of the object store."""


def place_of_results(document: Document, environ: Mapping[str, str], *, flags: str) -> tuple[str, S3Spec]:
    """Return the prefix of the results, and how to reach its object store.

    Pods may know the store by another name. So if the environment names an endpoint, this endpoint is used. Raise
    JobFailed or JobCancelled if the job has no results, and JobNotFound if it has none yet.
    """
    view, name = view_of(document), document["metadata"]["name"]
    failure = failure_of(document, flags)
    if failure is not None:
        raise failure
    if view.state is not JobState.COMPLETE or not view.results:
        raise JobNotFound(
            f"job {name} is {view.state}: it has no results yet; kubemr-shell status {name}{flags} shows its progress"
        )
    s3 = spec_from_mapping(document["spec"]).s3
    if any(environ.get(variable) for variable in ENDPOINTS):
        s3 = replace(s3, endpoint=None)
    return str(view.results["output"]), s3
