"""The decisions of the operator about a job, from an Observation of the job. Pure: no clock, no network.

Each decision depends only on the present Observation, and each write of a state tests the state before it. So several
operators may decide at the same time, each may be killed at any point, and another one continues its work.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from kubemr_shell.board import job_moves
from kubemr_shell.board.job_patch import job_patch
from kubemr_shell.board.job_state import JobView, format_status
from kubemr_shell.board.retrying import Refusal, RetryRefused, retried
from kubemr_shell.board.stores.documents import JOB_LABEL, Operation
from kubemr_shell.board.stores.json_patch import add, replace, test
from kubemr_shell.errors import InvalidSpec, UsageError
from kubemr_shell.job.state import JobState
from kubemr_shell.kube.marks import RETRY_LABEL, UID_LABEL
from kubemr_shell.kube.resources import JOBS, SHARDS
from kubemr_shell.kube.status import STARTING, Object, is_true
from kubemr_shell.net.s3_uri import as_prefix, is_s3
from kubemr_shell.operator import manifests
from kubemr_shell.operator.actions import Action, Decision, Delete, DeleteAll, Patch, Tell
from kubemr_shell.operator.conditions import LONGEST_MESSAGE
from kubemr_shell.operator.deletion import delete_job, stop_workers, with_finalizer
from kubemr_shell.operator.observation import Observation, Trouble
from kubemr_shell.operator.options import OperatorOptions
from kubemr_shell.operator.output_owner import output_of
from kubemr_shell.operator.pods import last_failure
from kubemr_shell.operator.report import report, same_state, status_patch
from kubemr_shell.operator.workers import active_seconds, changed_workers, end_held_pods
from kubemr_shell.outputs.input_overlap import check_apart

LINGER_SECONDS = 60.0
"""The seconds after the end of a job until workers that have not noticed the end are removed."""
GONE_SECONDS = 1.0
"""The seconds between two checks whether objects that are being deleted are gone."""
FILES_SECONDS = 60.0
"""The seconds for which a new job waits for its files. ``submit`` sends them right after the job."""
FILES_LOOK_SECONDS = 0.5
"""The seconds between two checks whether the files of a new job are there."""
FOLLOW_SECONDS = 5.0
"""The seconds between two reconciliations of a job that runs."""
REPLACE_SECONDS = 30.0
"""The seconds from the first failed set of workers of a job that publishes to the second set. They double each time."""
LONGEST_REPLACE_SECONDS = 600.0
"""The most seconds between two such sets. Each set costs pods, requests and Events, and may fail for days."""


def reconcile(seen: Observation, options: OperatorOptions) -> Decision:
    """Return the next actions for one job."""
    if seen.is_deleted:
        return delete_job(seen, options)
    finalizer = with_finalizer(seen)
    if finalizer:
        return Decision(actions=[finalizer])
    if "state" not in seen.status:
        return _accept(seen, options)
    if _may_begin_again(seen):
        return _begin_again(seen, options)
    if asked := _asked(seen):
        return Decision(actions=asked)
    if earlier := stop_workers([one for one in seen.others if _retry_of(one) < seen.view.retry]):
        return Decision(actions=earlier, again_after=GONE_SECONDS)
    if seen.has_ended:
        return _after_the_end(seen, options)
    if seen.obstacle is not None:
        goes_soon = seen.obstacle.reason == STARTING
        return _reported(seen, again_after=GONE_SECONDS if goes_soon else FOLLOW_SECONDS)
    return _continue(seen, options)


def _accept(seen: Observation, options: OperatorOptions) -> Decision:
    """Write the first status: PENDING, or FAIL with all problems of the spec. A condition and an Event follow."""
    first = [test("/metadata/uid", seen.uid), test("/status", None), add("/status", _initial(seen, options))]
    return Decision(actions=[status_patch(seen, first)])


def _begin_again(seen: Observation, options: OperatorOptions) -> Decision:
    """Write the first status again, unless another operator has accepted the job meanwhile."""
    same = [*same_state(seen), test("/status/observedGeneration", seen.status.get("observedGeneration"))]
    return Decision(actions=[status_patch(seen, [*same, replace("/status", _initial(seen, options))])])


def _initial(seen: Observation, options: OperatorOptions) -> dict[str, Any]:
    problem = _wrong_spec(seen, options)
    state = JobState.FAIL if problem else JobState.PENDING
    view = JobView(state=state, spec=seen.job["spec"], failure=problem)
    asked = seen.job["spec"].get("retry", 0)
    return {**format_status(view), "observedGeneration": seen.generation, "observedRetry": asked}


def _wrong_spec(seen: Observation, options: OperatorOptions) -> dict[str, Any] | None:
    """Return the failure of a job that cannot run in a cluster, which needs more fields than one machine; else None."""
    if seen.problems:
        reason = "\n".join(map(str, seen.problems))
    elif (output := output_of(seen, options)) is None:
        reason = "spec.output is missing: give an s3:// prefix; this operator has no --output-root for jobs without one"
    elif not is_s3(output):
        reason = f"spec.output: {output}: must be an s3:// prefix in Kubernetes"
    else:
        try:
            check_apart(as_prefix(output), seen.spec.inputs, "")
        except UsageError as error:
            reason = f"spec: {error}"
        else:
            return None
    return {"kind": InvalidSpec.__name__, "reason": reason, "exitCode": InvalidSpec.exit_code}


def _may_begin_again(seen: Observation) -> bool:
    """Return whether the spec of a job that was refused as invalid has changed since."""
    refused = (seen.view.failure or {}).get("kind") == InvalidSpec.__name__ and seen.view.plan is None
    return refused and seen.view.state is JobState.FAIL and seen.generation != seen.status.get("observedGeneration")


def _asked(seen: Observation) -> list[Action]:
    """Return the actions that the spec asks for: to cancel, to retry, or to fail after the deadline."""
    spec, view = seen.job["spec"], seen.view
    can_end = not seen.has_ended and not view.publishing
    if spec.get("cancel") and can_end:
        return [_moved(seen, job_moves.cancel(view))]
    if held := _held_retry(seen):
        return held
    if seen.is_asked_to_retry and not spec.get("cancel"):
        return _retry(seen)
    limit = spec.get("activeDeadlineSeconds")
    if limit is not None and can_end and active_seconds(seen) > limit:
        facts = {"kind": "DeadlineExceeded", "reason": f"not done after {limit} s (activeDeadlineSeconds)"}
        return [_moved(seen, job_moves.fail(view, facts))]
    return []


def _held_retry(seen: Observation) -> list[Action]:
    """Return the action that reports a retry that waits, or that none waits any more.

    A retry waits while ``spec.cancel`` is true, because the new try would be cancelled at once.
    """
    spec, said = seen.job["spec"], seen.status.get("retryRefused")
    asked = spec.get("retry", 0)
    if seen.is_asked_to_retry and spec.get("cancel"):
        patch = """-p '{"spec":{"cancel":false}}'"""
        way = f"kubectl -n {seen.namespace} patch mapreducejob {seen.name} --type=merge {patch}"
        message = f"the retry starts as soon as spec.cancel is false: {way}"
        wanted = {"retry": asked, "reason": Refusal.CANCEL_IS_SET.value, "message": message}
    elif said and said.get("reason") == Refusal.CANCEL_IS_SET.value and not seen.is_asked_to_retry:
        wanted = None
    else:
        return []
    return [] if said == wanted else [status_patch(seen, [*same_state(seen), add("/status/retryRefused", wanted)])]


def _retry(seen: Observation) -> list[Action]:
    """Return the actions that continue the job with its uncommitted tasks, or that report why the retry is refused."""
    view, asked = seen.view, seen.job["spec"]["retry"]
    try:
        moved = retried(view, seen.spec, seen.shipped)
    except (InvalidSpec, RetryRefused) as error:
        kind = error.refusal if isinstance(error, RetryRefused) else Refusal.INVALID_SPEC
        refused = {"retry": asked, "reason": kind.value, "message": str(error)[:LONGEST_MESSAGE]}
        answer = [add("/status/observedRetry", asked), add("/status/retryRefused", refused)]
        return [status_patch(seen, [*same_state(seen), *answer])]
    # Only fields that exist become null: a missing startTime says that the job was never deployed and left nothing.
    decided = ("startTime", "completionTime", "workersReplaced", *(("output",) if view.plan is None else ()))
    past = [add(f"/status/{name}", None) for name in decided if name in seen.status]
    answer = [add("/status/observedRetry", asked), add("/status/retryRefused", None), *past]
    return [_moved(seen, moved, *answer), Tell(reason="Retried", message=f"retry {asked}: the missing tasks run")]


def _continue(seen: Observation, options: OperatorOptions) -> Decision:
    """Deploy a job, or follow a job that is deployed.

    The spec may have become wrong since the job began. Then the workers continue with the spec that their plan has
    recorded, and no new workers are created.
    """
    if seen.problems:
        message = "the spec was changed and is no longer valid: " + "; ".join(map(str, seen.problems))
        wrong = Trouble(reason=Refusal.INVALID_SPEC.value, message=message[:LONGEST_MESSAGE])
        hindered = dataclasses.replace(seen, obstacle=wrong)
        return _reported(hindered, end_held_pods(seen.pods), again_after=FOLLOW_SECONDS)
    return _deploy(seen, options) if seen.view.state is JobState.PENDING else _follow(seen, options)


def _deploy(seen: Observation, options: OperatorOptions) -> Decision:
    """Make the job the owner of its output, then move it to DEPLOYING."""
    if problem := _wrong_spec(seen, options):  # a retry may come with another spec
        return _failed(seen, problem)
    if seen.files_are_missing:
        return _wait_for_files(seen)
    output = output_of(seen, options)
    assert output is not None
    owner = seen.output_owner
    if owner is None:
        return Decision(actions=[manifests.output_owner(seen, output)], again_after=0.0)
    if owner.uid != seen.uid:
        whose = f"job {owner.name}, even after its end"
        facts = {"kind": "OutputInUse", "reason": f"the output {output} belongs to {whose}: choose another one"}
        return _failed(seen, facts)
    decided = [add("/status/startTime", seen.stamp), add("/status/output", output)]
    return Decision(actions=[_moved(seen, job_moves.deploy(seen.view), *decided)])


def _wait_for_files(seen: Observation) -> Decision:
    """Wait for the files, which are sent right after the job. After an interruption, ``submit`` can send them again."""
    if seen.since(seen.job["metadata"].get("creationTimestamp")) < FILES_SECONDS:
        return Decision(again_after=FILES_LOOK_SECONDS)
    reason = (
        "its files were never sent, because submit was interrupted. To send them and start the job: "
        f"kubemr-shell retry {seen.name} -f JOB.yaml"
    )
    return _failed(seen, {"kind": "FilesMissing", "reason": reason})


def _follow(seen: Observation, options: OperatorOptions) -> Decision:
    """Keep the workers of a job that runs, and report their state."""
    if seen.batch is None:
        output = output_of(seen, options)
        assert output is not None
        made = [*manifests.account(seen), manifests.workers(seen, options, output)]
        return Decision(actions=made, again_after=FOLLOW_SECONDS)  # another object may have had the name
    view = seen.view
    if view.state is JobState.DEPLOYING:
        return Decision(actions=[_moved(seen, job_moves.deploy(view))])
    if is_true(seen.batch, "Failed"):
        if view.publishing:
            return _replace_workers(seen)
        return _failed(seen, _workers_failed(seen))
    if seen.account_is_missing:
        tell = Tell(
            reason="AccountMadeAgain", message="the ServiceAccount of its workers was deleted: made again", warning=True
        )
        return Decision(actions=[*manifests.account(seen), tell], again_after=FOLLOW_SECONDS)
    actions = [*changed_workers(seen), *end_held_pods(seen.pods)]
    return _reported(seen, actions, again_after=_next_look(seen))


def _replace_workers(seen: Observation) -> Decision:
    """Remove the failed workers of a job that publishes, so that others are created.

    Such a job can no longer fail: it needs workers to complete.
    """
    assert seen.batch is not None
    gone = stop_workers([seen.batch])
    if not gone:
        return Decision(again_after=FOLLOW_SECONDS)
    replaced = int(seen.status.get("workersReplaced") or 0)
    pause = min(LONGEST_REPLACE_SECONDS, REPLACE_SECONDS * 2.0 ** min(replaced, 10))
    left = pause - seen.since(seen.batch["metadata"]["creationTimestamp"])
    if left > 0:
        return _reported(seen, again_after=left)
    counted = status_patch(seen, [*same_state(seen), add("/status/workersReplaced", replaced + 1)])
    why = str(_workers_failed(seen)["reason"])
    tell = Tell(reason="WorkersReplaced", message=f"publishing continues with new workers: {why}", warning=True)
    return Decision(actions=[counted, *gone, tell], again_after=FOLLOW_SECONDS)


def _after_the_end(seen: Observation, options: OperatorOptions) -> Decision:
    """Report how the job ended, stop its workers, and remove its shards and at last the job when they are due."""
    ended_at = seen.status.get("completionTime")
    if not ended_at:
        change = [*same_state(seen), test("/status/completionTime", None), add("/status/completionTime", seen.stamp)]
        return _reported(seen, [status_patch(seen, change)], again_after=LINGER_SECONDS)
    age = seen.since(ended_at)
    ttl = seen.job["spec"].get("ttlSecondsAfterFinished", options.job_ttl)
    if ttl is not None and age >= ttl:
        return _reported(seen, [Delete(resource=JOBS, name=seen.name, uid=seen.uid)])
    actions: list[Action] = []
    waits = [ttl - age] if ttl is not None else []
    pods_until = options.pod_ttl if _is_over(seen) else LINGER_SECONDS
    if seen.batch is not None and pods_until is not None:
        actions += stop_workers([seen.batch]) if age >= pods_until else []
        waits += [pods_until - age] if age < pods_until else []
    if _has_idle_shards(seen):
        actions += _without_shards(seen) if age >= LINGER_SECONDS else []
        waits += [LINGER_SECONDS - age] if age < LINGER_SECONDS else []
    return _reported(seen, actions, again_after=min(waits, default=None))


def _has_idle_shards(seen: Observation) -> bool:
    """Return whether the shards of a job still exist although no retry can need them."""
    view = seen.view
    return view.state is JobState.COMPLETE and view.cleaned and seen.status.get("shardsRemoved") is not True


def _without_shards(seen: Observation) -> list[Action]:
    """Remove the shards of a job, then note the removal. Without the note, each reconciliation would remove them."""
    noted = [*same_state(seen), add("/status/shardsRemoved", True)]
    labels = f"{JOB_LABEL}={seen.name},{UID_LABEL}={seen.uid}"
    return [DeleteAll(resource=SHARDS, labels=labels), status_patch(seen, noted)]


def _reported(seen: Observation, actions: Sequence[Action] = (), *, again_after: float | None = None) -> Decision:
    """Report first, then do ``actions``. Reconcile again after ``again_after`` seconds, or when a report is due."""
    reported = report(seen)
    due = [seconds for seconds in (again_after, reported.again_after) if seconds is not None]
    return Decision(actions=[*reported.actions, *actions], again_after=min(due, default=None))


def _is_over(seen: Observation) -> bool:
    return is_true(seen.batch, "Complete") or is_true(seen.batch, "Failed")


def _workers_failed(seen: Observation) -> dict[str, Any]:
    """Return the failure of a job whose workers have all failed too often."""
    last = last_failure(seen.present_pods)
    why = last.message if last else "see the events of their pods"
    return {"kind": last.reason if last else "WorkersFailed", "reason": f"the workers failed too often: {why}"}


def _moved(seen: Observation, view: JobView, *more: Operation) -> Patch:
    """Return the patch that moves the job to its next state and writes ``more`` with it."""
    return status_patch(seen, [*job_patch(seen.uid, seen.view, view), *more])


def _failed(seen: Observation, facts: Mapping[str, Any]) -> Decision:
    return Decision(actions=[_moved(seen, job_moves.fail(seen.view, facts))])


def _retry_of(batch: Object) -> int:
    """Return the retry for which a batch Job was made. The caller spares batch Jobs of retries newer than its cache."""
    return int((batch["metadata"].get("labels") or {}).get(RETRY_LABEL, 0))


def _next_look(seen: Observation) -> float:
    limit = seen.job["spec"].get("activeDeadlineSeconds")
    left = limit - active_seconds(seen) if limit is not None else FOLLOW_SECONDS
    return max(0.5, min(FOLLOW_SECONDS, left))
