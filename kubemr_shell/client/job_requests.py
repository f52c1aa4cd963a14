"""Requests to an existing job: retry, cancel, delete. The operator carries them out, or says why it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

from kubemr_shell.board.retrying import RetryRefused, retried
from kubemr_shell.board.stores.documents import Document, Operation
from kubemr_shell.board.stores.json_patch import add, test
from kubemr_shell.client.ending import failure_screen
from kubemr_shell.client.following import HINT, Followed, Say
from kubemr_shell.client.jobs import Jobs
from kubemr_shell.client.packing import Package
from kubemr_shell.client.submission import replace_files
from kubemr_shell.client.views import status_errors_explained, view_of
from kubemr_shell.errors import Conflict, InvalidSpec, KubemrError, Unavailable, UsageError
from kubemr_shell.job.state import ENDED, JobState
from kubemr_shell.job.validate import load_job
from kubemr_shell.kube.marks import FILES_ANNOTATION, files_name
from kubemr_shell.kube.status import is_being_deleted, status_of
from kubemr_shell.pod.shipped import pins_of_shipped

ANSWER_SECONDS = 15.0
"""The seconds to wait for the operator to answer a request."""
TRIES = 5
"""The number of attempts to change a job while others change it too."""
PUBLISHING = "its results are being published, and may be visible already: it can only continue"
"""The reason why a job that publishes cannot be cancelled."""

Change = Mapping[str, Any]
"""Fields of a spec, as in YAML."""


def retry_job(
    jobs: Jobs,
    name: str,
    *,
    spec: Change | None = None,
    package: Package | None = None,
    changes: Change,
    flags: str,
    say: Say,
) -> bool:
    """Ask the operator to retry a job, and return whether the operator has answered. Raise UsageError if it refuses.

    ``changes`` are fields of the spec; ``spec`` and ``package`` replace those of the job. A retry that would be refused
    is not requested, so that the job stays as it is.
    """
    job = jobs.get(name)
    found = pins_of_shipped(package.data) if package else {}
    _must_be_retriable(job, _wanted(job, spec, package, changes), found)
    if package is not None and package.data:
        replace_files(jobs, job, package)
    asked = 0

    def change(seen: Document) -> list[Operation]:
        nonlocal asked
        asked = max(seen["spec"].get("retry", 0), status_of(seen).get("observedRetry", 0)) + 1
        wanted = {**_wanted(seen, spec, package, changes), "retry": asked}
        _must_be_retriable(seen, wanted, found)
        operations: list[Operation] = [add("/spec", wanted)]
        if package is not None and package.data:
            noted = {**(seen["metadata"].get("annotations") or {}), FILES_ANNOTATION: files_name(name)}
            operations.append(add("/metadata/annotations", noted))
        return operations

    job = _changed(jobs, name, change)
    answered = _answered(jobs, job, lambda seen: _has_answered(seen, asked), say)
    if answered is None:
        return False
    view = view_of(answered)
    if view.state is JobState.FAIL and view.plan is None and (view.failure or {}).get("kind") == InvalidSpec.__name__:
        raise UsageError("\n".join(failure_screen(name, view.failure or {}, flags)))
    refused = _refused(answered)
    if refused.get("retry") == asked:
        raise _refusal(name, refused.get("message"))
    return True


def cancel_job(jobs: Jobs, name: str, *, say: Say) -> bool:
    """Ask the operator to cancel a job, and return whether the operator has answered.

    Raise KubemrError if the job has ended otherwise or cannot end.
    """
    job = jobs.get(name)
    if _is_cancelled(job):
        return True

    def change(seen: Document) -> list[Operation]:
        _must_be_stoppable(seen)
        return [add("/spec/cancel", True)]

    job = _changed(jobs, name, change)
    answered = _answered(jobs, job, lambda seen: view_of(seen).state in ENDED or view_of(seen).publishing, say)
    if answered is None:
        return False
    if not _is_cancelled(answered):
        _must_be_stoppable(answered)
    return True


def delete_job(jobs: Jobs, name: str, *, waits: bool, stop: Event, say: Say) -> bool:
    """Delete a job. Return True if it is gone or if the caller does not wait; False after ``stop``."""
    uid = jobs.get(name)["metadata"]["uid"]
    jobs.delete(name, uid=uid)
    return not waits or Followed(jobs, name, uid=uid, stop=stop, say=say).until_gone()


def no_answer(name: str) -> Unavailable:
    """Return the error for a request that is written in the job, but that no operator has read."""
    return Unavailable(f"job {name}: the request is recorded, but no operator has answered: {HINT}")


def _answered(jobs: Jobs, job: Document, is_it: Callable[[Document], bool], say: Say) -> Document | None:
    """Wait until ``is_it`` accepts the job, and return the job. Return None if the operator does not answer in time."""
    metadata = job["metadata"]
    followed = Followed(jobs, metadata["name"], uid=metadata["uid"], stop=Event(), say=say)
    return followed.until(is_it, seconds=ANSWER_SECONDS)


def _changed(jobs: Jobs, name: str, change: Callable[[Document], list[Operation]]) -> Document:
    """Patch a job and return it. If another client changes the job meanwhile, read it and try again."""
    for _ in range(TRIES):
        seen = jobs.get(name)
        metadata = seen["metadata"]
        same = [test("/metadata/uid", metadata["uid"]), test("/metadata/generation", metadata["generation"])]
        try:
            return jobs.patch(name, [*same, *change(seen)])
        except Conflict:
            continue
    raise KubemrError(f"{name}: other clients keep changing the job: try again")


def _wanted(seen: Document, spec: Change | None, package: Package | None, changes: Change) -> dict[str, Any]:
    wanted = {**(seen["spec"] if spec is None else spec), **(package.spec if package else {}), **changes}
    wanted.pop("cancel", None)
    return wanted


def _must_be_retriable(document: Document, wanted: Change, found: Mapping[str, str]) -> None:
    """Raise UsageError if the retry is certain to be refused, and InvalidSpec for a bad spec. The operator decides."""
    name = document["metadata"]["name"]
    if is_being_deleted(document):
        raise _refusal(
            name, f"it is being deleted: when it is gone (kubemr-shell delete {name} --wait), submit it again"
        )
    asked = load_job({**document, "spec": wanted}, f"job {name}").spec
    with status_errors_explained(name):
        try:
            retried(view_of(document), asked, found)
        except RetryRefused as error:
            raise _refusal(name, error) from error


def _has_answered(document: Document, asked: int) -> bool:
    return status_of(document).get("observedRetry", 0) >= asked or _refused(document).get("retry") == asked


def _refused(document: Document) -> Mapping[str, Any]:
    found: Mapping[str, Any] = status_of(document).get("retryRefused") or {}
    return found


def _refusal(name: str, why: object) -> UsageError:
    return UsageError(f"job {name} cannot be tried again: {why}")


def _is_cancelled(document: Document) -> bool:
    return view_of(document).state is JobState.CANCELLED


def _must_be_stoppable(document: Document) -> None:
    name, view = document["metadata"]["name"], view_of(document)
    if is_being_deleted(document):
        raise UsageError(f"job {name} is being deleted, which also ends it")
    if view.state in ENDED:
        raise UsageError(f"job {name} is {view.state}: it has ended already")
    if view.publishing:
        raise UsageError(f"job {name}: {PUBLISHING}")
