"""Tests of the operator's decisions about a deleted job."""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.kube.resources import BATCH_JOBS, CONFIG_MAPS, JOBS, PODS, SERVICE_ACCOUNTS
from kubemr_shell.kube.stamps import stamp_of
from kubemr_shell.operator.actions import Patch, Tell
from kubemr_shell.operator.deletion import CUT_OFF_SECONDS, PATIENCE_SECONDS, ROOM_SECONDS, START_SECONDS
from kubemr_shell.operator.observation import Trouble
from kubemr_shell.operator.reconcile import reconcile
from tests.operator.observed import NOW, OPTIONS, RUNS, STAMP, batch, deleted, ended, job, made, pod, seen, told

BEGUN = {"state": "FAIL", "startTime": STAMP, "turn": 4}
"""The status of a job whose planner has worked."""
FIRST, SECOND = "words-new-cleanup", "words-new-cleanup-2"


def steps(status: dict[str, Any], **known: Any) -> list[Any]:
    return list(reconcile(seen(job(status, deleted=True), **known), OPTIONS).actions)


def cleanup_of(**spec: Any) -> dict[str, Any]:
    """Return our container in the pod of a job's cleanup."""
    actions = reconcile(seen(job(BEGUN, deleted=True, **spec)), OPTIONS).actions
    (document,) = made(actions, BATCH_JOBS)
    container: dict[str, Any] = document["spec"]["template"]["spec"]["containers"][0]
    return container


def is_released(actions: list[Any]) -> bool:
    """Return whether the first action removes the finalizer, so that a refused Event cannot hold the job."""
    return bool(actions) and isinstance(actions[0], Patch) and actions[0].resource is JOBS


def test_the_cleanup_has_an_account_even_if_the_job_had_none() -> None:
    actions = steps({**BEGUN, "state": "DEPLOYED", "turn": 3})
    assert actions[0].resource is SERVICE_ACCOUNTS
    assert [one["metadata"]["name"] for one in made(actions, BATCH_JOBS)] == [FIRST]
    assert not made(actions, CONFIG_MAPS)


def test_a_cleanup_reaches_the_store_as_the_workers_did() -> None:
    s3 = {"endpoint": "https://store", "caBundle": "/ca.pem", "pathStyle": "never", "requesterPays": True}
    assert cleanup_of(s3=s3)["args"][-5:] == ["--path-style", "never", "--ca-bundle", "/ca.pem", "--requester-pays"]


def test_a_cleanup_asks_for_little_whatever_workers_ask_for() -> None:
    """With the request for eight GPUs, a cleanup would wait for them. With a sidecar, a cleanup would never end."""
    resources = {"requests": {"cpu": "16", "memory": "64Gi"}, "limits": {"cpu": "16", "nvidia.com/gpu": "8"}}
    containers = [{"name": "worker", "resources": resources}, {"name": "proxy", "image": "proxy"}]
    template = {"spec": {"containers": containers, "initContainers": [{"name": "fetch", "image": "fetch"}]}}
    actions = reconcile(seen(job(BEGUN, deleted=True, template=template)), OPTIONS).actions
    (document,) = made(actions, BATCH_JOBS)
    pod_spec = document["spec"]["template"]["spec"]
    (container,) = pod_spec["containers"]
    assert container["resources"]["requests"] == {"cpu": "50m", "memory": "96Mi", "ephemeral-storage": "16Mi"}
    assert container["resources"]["limits"] == {"memory": "384Mi"}
    assert "initContainers" not in pod_spec
    assert "activeDeadlineSeconds" not in document["spec"], "it would run while the pod waits for a quota"
    assert pod_spec["activeDeadlineSeconds"]


@pytest.mark.parametrize(
    "status",
    [
        {"state": "PENDING", "turn": 0},
        {"state": "DEPLOYING", "startTime": STAMP, "turn": 1},
        {"state": "DEPLOYED", "startTime": STAMP, "turn": 2},
        {"state": "CANCELLED", "startTime": STAMP, "turn": 3},
        {"state": "COMPLETE", "startTime": STAMP, "turn": 9, "cleaned": True},
    ],
)
def test_where_nothing_was_made_nothing_is_cleaned_up(status: dict[str, Any]) -> None:
    assert is_released(steps(status))


@pytest.mark.parametrize(
    "status",
    [
        {"state": "DEPLOYED", "startTime": STAMP, "turn": 3},
        {"state": "DEPLOYED", "startTime": STAMP, "turn": 2, "retry": 1},
        {"state": "CANCELLED", "startTime": STAMP, "turn": 4},
        {"state": "COMPLETE", "startTime": STAMP, "turn": 9},
        {"state": "MAP", "startTime": STAMP, "turn": "spoiled"},
    ],
)
def test_where_a_planner_may_have_been_at_work_it_is_cleaned_up(status: dict[str, Any]) -> None:
    assert made(steps(status), BATCH_JOBS)


def test_workers_end_first_and_a_job_whose_workers_never_began_waits_for_their_pods() -> None:
    """A worker may begin while its pod is being removed. So the release tests that the job has not changed."""
    deployed = {"state": "DEPLOYED", "startTime": STAMP, "turn": 2}
    workers, old = batch(), batch(name="words-old")
    assert deleted(steps(deployed, batch=workers, others=[old])) == ["words", "words-old"]
    assert steps(deployed, pods=[pod("words-0", "Pending")]) == []
    release = steps(deployed, pods=[pod("words-0", "Failed")])
    assert is_released(release)
    assert {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"} in [
        dict(one) for one in release[0].operations
    ]


def test_workers_that_do_not_end_hold_a_job_for_some_minutes_only() -> None:
    stuck = {"pods": [pod("words-0", "Running")]}
    assert steps(BEGUN, **stuck) == []
    actions = steps(BEGUN, **stuck, now=NOW + PATIENCE_SECONDS + 1)
    assert is_released(actions)
    assert "words-0" in told(actions)[0].message


def test_a_cleanup_whose_image_cannot_be_pulled_is_made_with_that_of_the_operator() -> None:
    first = batch(name=FIRST, image="own")
    waiting = [pod("first", "Pending", waits="ImagePullBackOff", of=first)]
    (second,) = made(steps(BEGUN, cleanup=first, cleanup_pods=waiting), BATCH_JOBS)
    assert second["metadata"]["name"] == SECOND
    assert second["spec"]["template"]["spec"]["containers"][0]["image"] == OPTIONS.image


@pytest.mark.parametrize("image", [OPTIONS.image, "own"])
def test_a_cleanup_that_cannot_begin_is_given_up_after_a_minute_and_says_what_is_left(image: str) -> None:
    last = batch(name=SECOND, image=image)
    waits = "ErrImagePull" if image == OPTIONS.image else "CreateContainerConfigError"
    known = {"cleanup": last, "cleanup_pods": [pod("last", "Pending", waits=waits, of=last)]}
    assert steps(BEGUN, **known, now=NOW + START_SECONDS - 1) == []
    actions = steps(BEGUN, **known, now=NOW + START_SECONDS + 1)
    assert is_released(actions)
    (event,) = told(actions)
    assert event.reason == "CleanupGivenUp"
    for part in ("s3://results/words/_kubemr/new", "kubemr-shell clean --force s3://results/words", "pod last"):
        assert part in event.message


@pytest.mark.parametrize("what", ["no pod", "no node", "a lost node"])
def test_a_cleanup_for_which_there_is_no_room_is_waited_for_and_that_is_told(what: str) -> None:
    """Otherwise, a quota that is full for a minute leaves terabytes of temporaries for ever."""
    cleanup = batch(name=FIRST)
    pods = [] if what == "no pod" else [pod("first", "Pending", of=cleanup)]
    for one in pods:
        unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
        cut_off = {"type": "Ready", "status": "False"}
        one["status"]["conditions"] = [unscheduled if what == "no node" else cut_off]
    known: dict[str, Any] = {"cleanup": cleanup, "cleanup_pods": pods}
    assert steps(BEGUN, **known, now=NOW + START_SECONDS - 1) == []
    (event,) = told(steps(BEGUN, **known, now=NOW + START_SECONDS + 1))
    assert event.reason == "CleanupWaits"
    assert "kubectl -n here patch mapreducejob words" in event.message
    assert not is_released(steps(BEGUN, **known, now=NOW + ROOM_SECONDS - 1))
    actions = steps(BEGUN, **known, now=NOW + ROOM_SECONDS + 1)
    assert is_released(actions)
    said = {"no pod": f"kubectl describe job {FIRST}", "no node": "pod first is not scheduled", "a lost node": "node-7"}
    assert said[what] in told(actions)[0].message


def test_a_cleanup_that_began_late_has_its_time_all_the_same() -> None:
    cleanup = batch(name=FIRST)
    runs = pod("first", "Running", of=cleanup)
    runs["status"]["startTime"] = stamp_of(NOW + ROOM_SECONDS - 1)
    known = {"cleanup": cleanup, "cleanup_pods": [runs]}
    assert steps(BEGUN, **known, now=NOW + ROOM_SECONDS + 1) == []
    assert is_released(steps(BEGUN, **known, now=NOW + ROOM_SECONDS + PATIENCE_SECONDS + 1))


def test_a_cleanup_beside_a_sidecar_is_done_when_it_is_done() -> None:
    """A cluster may add a sidecar to any pod, which then does not end."""
    cleanup = batch(name=FIRST)
    done = pod("first", "Running", worker=ended(0), beside={"proxy": RUNS}, of=cleanup)
    assert is_released(steps(BEGUN, cleanup=cleanup, cleanup_pods=[done]))
    failed = pod("first", "Running", worker=ended(6), beside={"proxy": RUNS}, of=cleanup)
    (end,) = steps(BEGUN, cleanup=cleanup, cleanup_pods=[failed])
    assert (end.resource, end.name) == (PODS, "first")


def test_workers_that_have_ended_beside_a_sidecar_are_not_waited_for() -> None:
    dead = pod("words-0", "Running", worker=ended(143), beside={"proxy": RUNS}, deleted=STAMP)
    assert made(steps(BEGUN, pods=[dead]), BATCH_JOBS)


def test_workers_of_a_lost_node_are_waited_for_until_they_must_have_ended() -> None:
    lost = pod("words-0", "Running", deleted=STAMP)
    assert steps(BEGUN, pods=[lost], now=NOW + CUT_OFF_SECONDS - 1) == []
    assert made(steps(BEGUN, pods=[lost], now=NOW + CUT_OFF_SECONDS + 1), BATCH_JOBS)


def test_a_cleanup_that_works_has_its_time() -> None:
    cleanup = batch(name=FIRST)
    known = {"cleanup": cleanup, "cleanup_pods": [pod("first", "Running", of=cleanup)]}
    assert steps(BEGUN, **known, now=NOW + PATIENCE_SECONDS - 1) == []
    assert is_released(steps(BEGUN, **known, now=NOW + PATIENCE_SECONDS + 1))


def test_an_operator_that_comes_late_cleans_up_all_the_same() -> None:
    late = NOW + 2 * PATIENCE_SECONDS
    assert made(steps(BEGUN, now=late), BATCH_JOBS)
    cleanup = batch(name=FIRST, made="2027-01-15T08:20:00Z")
    assert steps(BEGUN, cleanup=cleanup, now=late) == []


def test_a_cleanup_that_failed_lets_the_job_go_before_anything_is_told() -> None:
    cleanup = batch("new", "Failed", name=FIRST)
    ended = [pod("first", "Failed", STAMP, of=cleanup)]
    release, event = steps(BEGUN, cleanup=cleanup, cleanup_pods=ended)
    assert is_released([release])
    assert isinstance(event, Tell)
    assert "pod first ended with 1" in event.message


def test_what_is_in_the_way_of_a_cleanup_is_told_and_given_up_in_the_end() -> None:
    obstacle = Trouble(reason="NameTaken", message="Role kubemr-words is in the way")
    (event,) = steps(BEGUN, obstacle=obstacle)
    assert (event.reason, event.warning) == ("NameTaken", True)
    assert not steps(BEGUN, obstacle=Trouble(reason="Starting", message="waits"))
    actions = steps(BEGUN, obstacle=obstacle, now=NOW + PATIENCE_SECONDS + 1)
    assert is_released(actions)
    assert obstacle.message in told(actions)[0].message
    quota = Trouble(reason="CreationRefused", message="exceeded quota: count/jobs.batch")
    assert not is_released(steps(BEGUN, obstacle=quota, now=NOW + ROOM_SECONDS - 1))
    assert is_released(steps(BEGUN, obstacle=quota, now=NOW + ROOM_SECONDS + 1))


def test_what_a_job_has_left_whose_spec_was_spoiled_is_told() -> None:
    """The spec was valid when the workers began."""
    spoiled = job({**BEGUN, "output": "s3://results/words"}, deleted=True, mapCommand=5)
    actions = list(reconcile(seen(spoiled), OPTIONS).actions)
    assert is_released(actions)
    (event,) = told(actions)
    assert event.reason == "CleanupGivenUp"
    for part in (
        "kubemr-shell clean --force s3://results/words",
        "its spec was changed and is no longer valid: spec.mapCommand",
    ):
        assert part in event.message
