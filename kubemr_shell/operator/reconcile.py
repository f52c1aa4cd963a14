"""What to do about a job, from what is seen of it. Pure: no clock, no network.

Every decision is made anew from what is there, and every write of the state tests the state that it leaves: several
operators may decide at once, any may be killed at any point, and what one has begun another goes on with.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from kubemr_shell.board import job_moves
from kubemr_shell.board.documents import Operation
from kubemr_shell.board.job_moves import job_patch
from kubemr_shell.board.job_view import JobView, format_status
from kubemr_shell.board.json_patch import add, replace, test
from kubemr_shell.board.retrying import Refusal, RetryRefused, retried
from kubemr_shell.errors import InvalidSpec, UsageError
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.state import JobState
from kubemr_shell.job.validate import load_job
from kubemr_shell.kube.marks import RETRY_LABEL
from kubemr_shell.kube.resources import BATCH_JOBS, JOBS
from kubemr_shell.local_run.output_check import check_apart
from kubemr_shell.net.s3_uri import as_prefix, is_s3
from kubemr_shell.operator import manifests
from kubemr_shell.operator.actions import Action, Decision, Delete, Patch, Tell
from kubemr_shell.operator.conditions import (
    FAILED,
    LONGEST_MESSAGE,
    RETRY_REFUSED,
    wanted_conditions,
    wanted_progress,
)
from kubemr_shell.operator.deletion import delete_job, stop_workers, with_finalizer
from kubemr_shell.operator.observation import Object, Observation, Trouble, is_true
from kubemr_shell.operator.obstacles import STARTING
from kubemr_shell.operator.options import OperatorOptions
from kubemr_shell.operator.pods import last_failure, lost_workers

MOST_LOST = 500
"""Names of workers that are gone, in the status. An older one is gone for so long that its claims have expired."""
LINGER_SECONDS = 60.0
"""After the end of a job until workers that have not seen it are removed."""
GONE_SECONDS = 1.0
"""Until it is looked again whether the things of a deleted job are gone."""
FILES_SECONDS = 60.0
"""For which a new job waits for the files that its submission sends after it."""
FILES_LOOK_SECONDS = 0.5
FOLLOW_SECONDS = 5.0
"""Between two looks at the progress of a job that runs."""


def reconcile(seen: Observation, options: OperatorOptions) -> Decision:
    """The next steps for one job."""
    if seen.is_deleted:
        return delete_job(seen, options)
    finalizer = with_finalizer(seen)
    if finalizer:
        return Decision(actions=[finalizer])
    if "state" not in seen.status:
        return _accept(seen, options)
    if _may_begin_anew(seen):
        return _begin_anew(seen, options)
    if asked := _asked(seen):
        return Decision(actions=asked)
    if earlier := stop_workers([one for one in seen.others if _retry_of(one) < seen.view.retry]):
        return Decision(actions=earlier, again_after=GONE_SECONDS)
    if seen.has_ended:
        return _after_the_end(seen)
    if seen.obstacle is not None:
        return Decision(actions=_report(seen), again_after=FOLLOW_SECONDS)
    return _go_on(seen, options)


def _accept(seen: Observation, options: OperatorOptions) -> Decision:
    """The first status: PENDING, or FAIL with all that is wrong, which its condition and an Event say next."""
    first = [test("/metadata/uid", seen.uid), test("/status", None), add("/status", _initial(seen, options))]
    return Decision(actions=[_status(seen, first)])


def _begin_anew(seen: Observation, options: OperatorOptions) -> Decision:
    """The first status again; not that of a job which another operator has taken on meanwhile."""
    same = [*_same(seen), test("/status/observedGeneration", seen.status.get("observedGeneration"))]
    return Decision(actions=[_status(seen, [*same, replace("/status", _initial(seen, options))])])


def _initial(seen: Observation, options: OperatorOptions) -> dict[str, Any]:
    try:
        spec = load_job(dict(seen.job), "").spec
        problem = _misses(seen, spec, options)
    except InvalidSpec as error:
        problem = {"kind": "InvalidSpec", "reason": "\n".join(map(str, error.problems)), "exitCode": error.exit_code}
    state = JobState.FAIL if problem else JobState.PENDING
    view = JobView(state=state, spec=seen.job["spec"], failure=problem)
    asked = seen.job["spec"].get("retry", 0)
    return {**format_status(view), "observedGeneration": _generation(seen), "observedRetry": asked}


def _misses(seen: Observation, spec: JobSpec, options: OperatorOptions) -> dict[str, Any] | None:
    """What a cluster needs and a machine does not."""
    output = manifests.output_of(seen, spec, options)
    if output is None:
        reason = "spec.output is missing: give an s3:// prefix; this operator has no --output-root for jobs without one"
    elif not is_s3(output):
        reason = f"spec.output: {output}: must be an s3:// prefix in Kubernetes"
    else:
        try:
            check_apart(as_prefix(output), spec.inputs, "")
        except UsageError as error:
            reason = f"spec: {error}"
        else:
            return None
    return {"kind": "InvalidSpec", "reason": reason, "exitCode": InvalidSpec.exit_code}


def _may_begin_anew(seen: Observation) -> bool:
    """A job that was refused is looked at again when its spec has changed."""
    refused = (seen.view.failure or {}).get("kind") == "InvalidSpec" and seen.view.plan is None
    return refused and seen.view.state is JobState.FAIL and _generation(seen) != seen.status.get("observedGeneration")


def _asked(seen: Observation) -> list[Action]:
    """What the user has asked for since: to cancel, or to try again."""
    spec, view = seen.job["spec"], seen.view
    if spec.get("retry", 0) > seen.status.get("observedRetry", 0):
        return _retry(seen)
    if spec.get("cancel") and not seen.has_ended and not view.publishing:
        return [_status(seen, job_patch(seen.uid, view, job_moves.cancel(view)))]
    limit = spec.get("activeDeadlineSeconds")
    late = limit is not None and seen.since(seen.status.get("startTime")) > limit
    if late and not seen.has_ended and not view.publishing:
        facts = {"kind": "DeadlineExceeded", "reason": f"not done after {limit} s (activeDeadlineSeconds)"}
        return [_status(seen, job_patch(seen.uid, view, job_moves.fail(view, facts)))]
    return []


def _retry(seen: Observation) -> list[Action]:
    """Go on with what is not committed, or say why not."""
    view, asked = seen.view, seen.job["spec"]["retry"]
    try:
        moved = retried(view, load_job(dict(seen.job), "").spec)
    except (InvalidSpec, RetryRefused) as error:
        kind = error.refusal if isinstance(error, RetryRefused) else Refusal.INVALID_SPEC
        refused = {"retry": asked, "reason": kind.value, "message": str(error)[:LONGEST_MESSAGE]}
        answer = [add("/status/observedRetry", asked), add("/status/retryRefused", refused)]
        return [_status(seen, [*_same(seen), *answer])]
    # One that was never deployed has no startTime, and so nothing to clean up.
    decided = ("startTime", "completionTime", *(("output",) if view.plan is None else ()))
    past = [add(f"/status/{name}", None) for name in decided if name in seen.status]
    answer = [add("/status/observedRetry", asked), add("/status/retryRefused", None), *past]
    patch = [*job_patch(seen.uid, view, moved), *answer]
    return [_status(seen, patch), Tell(reason="Retried", message=f"retry {asked}: what is missing runs")]


def _go_on(seen: Observation, options: OperatorOptions) -> Decision:
    """Towards workers, and with them.

    A spec that was valid when the job began may have become wrong: its workers go on with what their plan has recorded
    of it, and others are not made.
    """
    try:
        spec = load_job(dict(seen.job), seen.name).spec
    except InvalidSpec as error:
        message = "the spec was changed and is wrong now: " + "; ".join(map(str, error.problems))
        wrong = Trouble(reason=Refusal.INVALID_SPEC.value, message=message[:LONGEST_MESSAGE])
        return Decision(actions=_report(dataclasses.replace(seen, obstacle=wrong)), again_after=FOLLOW_SECONDS)
    if seen.view.state is JobState.PENDING:
        return _take(seen, spec, options)
    return _follow(seen, spec, options)


def _take(seen: Observation, spec: JobSpec, options: OperatorOptions) -> Decision:
    """Own the output, and be the one who deploys."""
    view = seen.view
    if problem := _misses(seen, spec, options):  # the spec of a job that is tried again is another one
        return Decision(actions=[_status(seen, job_patch(seen.uid, view, job_moves.fail(view, problem)))])
    if seen.files_are_missing:
        return _wait_for_files(seen)
    output = manifests.output_of(seen, spec, options)
    assert output is not None
    if seen.output_owner is None:
        return Decision(actions=[manifests.output_owner(seen, output)], again_after=0.0)
    if seen.output_owner_is_gone:
        return Decision(again_after=GONE_SECONDS)
    if seen.output_owner != seen.uid:
        owner = f"job {seen.output_owner_name}, also when that has ended"
        facts = {"kind": "OutputInUse", "reason": f"the output {output} belongs to {owner}: choose another one"}
        return Decision(actions=[_status(seen, job_patch(seen.uid, view, job_moves.fail(view, facts)))])
    decided = [add("/status/startTime", seen.stamp), add("/status/output", output)]
    begin = [*job_patch(seen.uid, view, job_moves.deploy(view)), *decided]
    return Decision(actions=[_status(seen, begin)])


def _wait_for_files(seen: Observation) -> Decision:
    """They are sent right after the job. Who was killed in between may submit it again, which goes on there."""
    if seen.since(seen.job["metadata"].get("creationTimestamp")) < FILES_SECONDS:
        return Decision(again_after=FILES_LOOK_SECONDS)
    reason = (
        "its files were never sent, for submit was interrupted: "
        f"kubemr-shell retry {seen.name} -f JOB.yaml sends them, and starts it"
    )
    facts = {"kind": "FilesMissing", "reason": reason}
    return Decision(actions=[_status(seen, job_patch(seen.uid, seen.view, job_moves.fail(seen.view, facts)))])


def _follow(seen: Observation, spec: JobSpec, options: OperatorOptions) -> Decision:
    """Workers are there as long as the job runs, and the status says how they are."""
    if seen.batch is None:
        output = manifests.output_of(seen, spec, options)
        assert output is not None
        made = [*manifests.account(seen), manifests.workers(seen, spec, options, output)]
        return Decision(actions=made, again_after=FOLLOW_SECONDS)  # again, if something of that name was in the way
    view = seen.view
    if view.state is JobState.DEPLOYING:
        return Decision(actions=[_status(seen, job_patch(seen.uid, view, job_moves.deploy(view)))])
    if is_true(seen.batch, "Failed"):
        if view.publishing:
            return _replace_workers(seen)
        return Decision(actions=[_status(seen, job_patch(seen.uid, view, job_moves.fail(view, _workers_failed(seen))))])
    actions: list[Action] = [*_suspension(seen, spec), *_report(seen)]
    return Decision(actions=actions, again_after=_next_look(seen))


def _replace_workers(seen: Observation) -> Decision:
    """A job that publishes can only go on, and needs workers for it: others are made when these are gone."""
    gone = stop_workers([seen.batch])
    if not gone:
        return Decision(again_after=FOLLOW_SECONDS)
    why = str(_workers_failed(seen)["reason"])
    tell = Tell(reason="WorkersReplaced", message=f"the job publishes and goes on with new ones: {why}", warning=True)
    return Decision(actions=[*gone, tell], again_after=FOLLOW_SECONDS)


def _suspension(seen: Observation, spec: JobSpec) -> list[Action]:
    """``suspend`` is passed on; with a queue's label the queue decides.

    Nothing is done to a batch Job that has changed since it was seen: a queue may have taken it.
    """
    assert seen.batch is not None
    metadata = seen.batch["metadata"]
    if manifests.QUEUE_LABEL in (metadata.get("labels") or {}):
        return []
    if bool(seen.batch["spec"].get("suspend")) == spec.suspend:
        return []
    same = [test("/metadata/uid", metadata["uid"]), replace("/metadata/resourceVersion", metadata["resourceVersion"])]
    change = [*same, add("/spec/suspend", spec.suspend)]
    return [Patch(resource=BATCH_JOBS, name=metadata["name"], operations=change)]


def _after_the_end(seen: Observation) -> Decision:
    """Say how it ended, let nothing run on, and remove the job when its time is over."""
    actions = _report(seen)
    ended_at = seen.status.get("completionTime")
    if not ended_at:
        change = [*_same(seen), add("/status/completionTime", seen.stamp)]
        return Decision(actions=[*actions, _status(seen, change)], again_after=LINGER_SECONDS)
    age = seen.since(ended_at)
    ttl = seen.job["spec"].get("ttlSecondsAfterFinished")
    if ttl is not None and age >= ttl:
        return Decision(actions=[*actions, Delete(resource=JOBS, name=seen.name, uid=seen.uid)])
    if not _is_over(seen) and age >= LINGER_SECONDS:
        actions += stop_workers([seen.batch])
    waits = [ttl - age] if ttl is not None else []
    if seen.batch is not None and not _is_over(seen) and age < LINGER_SECONDS:
        waits.append(LINGER_SECONDS - age)
    return Decision(actions=actions, again_after=min(waits) if waits else None)


def _is_over(seen: Observation) -> bool:
    return is_true(seen.batch, "Complete") or is_true(seen.batch, "Failed")


def _report(seen: Observation) -> list[Action]:
    """What the status says, as far as it is something else now; an Event of what is new."""
    operations: list[Operation] = []
    tell: list[Tell] = []
    conditions = wanted_conditions(seen)
    before = seen.status.get("conditions") or []
    if conditions != before:
        operations.append(add("/status/conditions", conditions))
        reasons = {one["reason"] for one in before}
        tell = [
            Tell(
                reason=one["reason"],
                message=one["message"],
                warning=one["status"] == "False" or one["type"] in (FAILED, RETRY_REFUSED),
            )
            for one in conditions
            if one["reason"] not in reasons and one["message"] and one["reason"] != STARTING
        ]
    progress = wanted_progress(seen)
    if progress and progress != (seen.status.get("progress") or {}):
        operations.append(add("/status/progress", progress))
    if seen.status.get("observedGeneration") != _generation(seen):
        # With the conditions: `kubectl wait` takes them for those of an older spec until this says otherwise.
        operations.append(add("/status/observedGeneration", _generation(seen)))
    lost = set(lost_workers(seen.pods)[-MOST_LOST:])
    new = lost - set(seen.status.get("lost") or ())
    if new and not seen.has_ended:
        operations.append(add("/status/lost", sorted(lost)))
        failure = last_failure([pod for pod in seen.pods if pod["metadata"]["name"] in new])
        if failure and failure.reason not in {one.reason for one in tell}:
            tell.append(Tell(reason=failure.reason, message=failure.message, warning=True))
    if not operations:
        return [*tell]
    return [_status(seen, [*_same(seen), *operations]), *tell]


def _workers_failed(seen: Observation) -> dict[str, Any]:
    """The job fails with its workers when every one of them has failed too often."""
    last = last_failure(seen.present_pods)
    why = last.message if last else "see the events of their pods"
    return {"kind": last.reason if last else "WorkersFailed", "reason": f"the workers failed again and again: {why}"}


def _retry_of(batch: Object) -> int:
    """Those of a later one, of which this operator has not heard yet, are not to be ended."""
    return int((batch["metadata"].get("labels") or {}).get(RETRY_LABEL, 0))


def _next_look(seen: Observation) -> float:
    limit = seen.job["spec"].get("activeDeadlineSeconds")
    left = limit - seen.since(seen.status.get("startTime")) if limit is not None else FOLLOW_SECONDS
    return max(0.5, min(FOLLOW_SECONDS, left))


def _same(seen: Observation) -> list[Operation]:
    """It is the job that was seen, and in that state: what is written of one that has gone on would be of the past."""
    return [test("/metadata/uid", seen.uid), test("/status/state", seen.view.state.value)]


def _status(seen: Observation, operations: list[Operation]) -> Patch:
    return Patch(resource=JOBS, name=seen.name, operations=operations, status=True)


def _generation(seen: Observation) -> int:
    return int(seen.job["metadata"].get("generation", 0))
