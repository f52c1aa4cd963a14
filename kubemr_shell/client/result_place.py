"""Where the results of a job are, as this machine reaches them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kubemr_shell.board.documents import Document
from kubemr_shell.client.ending import failure_of
from kubemr_shell.client.views import view_of
from kubemr_shell.errors import JobNotFound
from kubemr_shell.job.spec import S3Spec
from kubemr_shell.job.state import JobState
from kubemr_shell.job.validate import spec_from_mapping

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


def place_of_results(document: Document, environ: Mapping[str, str], *, flags: str) -> tuple[str, S3Spec]:
    """The prefix, and how to reach its store: pods may know it by another name, so the environment's endpoint wins.

    JobFailed and JobCancelled say why there are none, JobNotFound that there are none yet.
    """
    view, name = view_of(document), document["metadata"]["name"]
    failure = failure_of(document, flags)
    if failure is not None:
        raise failure
    if view.state is not JobState.COMPLETE or not view.results:
        raise JobNotFound(
            f"job {name} is {view.state}: it has no results yet; kubemr-shell status {name}{flags} says how far it is"
        )
    s3 = spec_from_mapping(document["spec"]).s3
    if any(environ.get(variable) for variable in ENDPOINTS):
        s3 = replace(s3, endpoint=None)
    return str(view.results["output"]), s3
