"""Tests of the decision on a retry, by the state of the job and the changed fields and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from kubemr_shell.board.job_state import JobView, PlanFacts
from kubemr_shell.board.retrying import Refusal, RetryRefused, retried, unused_changes
from kubemr_shell.job.fingerprint import kept_in_plan
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.state import JobState, Phase
from kubemr_shell.job.validate import spec_to_mapping

ASKED = JobSpec(inputs=("s3://b/in",), map_command="cat", reduce_command="uniq -c", output="s3://b/out")
KEPT = replace(ASKED, keep_tmp=True)


def ended(state: str, spec: JobSpec = ASKED, **changes: Any) -> JobView:
    """Return an ended job with closed maps, as its pods have recorded it."""
    plain = spec_to_mapping(replace(spec, partitions=2 if spec.partitions is None else spec.partitions))
    facts = PlanFacts(
        claim_id="p", tasks=3, partitions=plain["partitions"], spec=plain, fingerprint="f", input_bytes=5
    ).with_layouts(workers=1)
    done = facts.phases if state == "COMPLETE" else facts.phases[:1]
    lanes = {
        phase: {number: lane.with_closed(0, {}, {}) if phase in done else lane for number, lane in of_phase.items()}
        for phase, of_phase in facts.lanes().items()
    }
    return JobView(
        **{
            "state": JobState(state),
            "spec": plain,
            "plan": facts,
            "lanes": lanes,
            "publishing": state == "COMPLETE",
            **changes,
        }
    )


def refusal(view: JobView, asked: JobSpec, found: Mapping[str, str] | None = None) -> tuple[Refusal, str]:
    with pytest.raises(RetryRefused) as refused:
        retried(view, asked, found or {})
    return refused.value.refusal, str(refused.value)


@pytest.mark.parametrize("state", ["FAIL", "CANCELLED"])
def test_a_job_that_has_not_ended_well_goes_on(state: str) -> None:
    same = retried(ended(state), ASKED, {})
    assert (same.state, same.epoch, same.retry) == (JobState.PENDING, 0, 1)
    other = retried(ended(state), replace(ASKED, reduce_command="uniq", max_attempts=9), {})
    assert (other.state, other.epoch, other.spec["reduceCommand"], other.spec["maxAttempts"]) == (
        "PENDING",
        1,
        "uniq",
        9,
    )


@pytest.mark.parametrize("changes", [{"reduce_command": "uniq"}, {"compress_output": "gzip"}])
def test_a_complete_job_that_has_kept_its_maps_has_other_reduces_done(changes: dict[str, Any]) -> None:
    anew = retried(ended("COMPLETE", KEPT), replace(KEPT, **changes), {})
    assert (anew.state, anew.closed_tasks(Phase.MAP), anew.closed_tasks(Phase.REDUCE)) == ("PENDING", 3, 0)


def test_a_complete_job_whose_maps_are_gone_is_refused_with_what_to_do() -> None:
    for view in (ended("COMPLETE"), ended("COMPLETE", KEPT, cleaned=True)):
        why, message = refusal(view, replace(KEPT, reduce_command="uniq"))
        assert why is Refusal.MAPS_GONE
        assert "A change of reduceCommand needs them" in message
        assert "submit a new job, with keepTmp: true" in message


@pytest.mark.parametrize(
    ("view", "asked", "why"),
    [
        (ended("COMPLETE", KEPT), replace(KEPT, max_attempts=9), "to repeat its reduce tasks, change one of them"),
        (
            ended("COMPLETE", replace(KEPT, partitions=0, reduce_command=None)),
            KEPT,
            "a retry cannot change partitions, reduceCommand",
        ),
        (ended("MAP"), ASKED, "the job is MAP: only a job that has ended"),
        (ended("FAIL"), replace(ASKED, map_command="tac", output="s3://b/other"), "cannot change mapCommand, output:"),
    ],
)
def test_what_else_is_refused(view: JobView, asked: JobSpec, why: str) -> None:
    if view.spec["partitions"] == 0:
        asked = replace(asked, partitions=2)
    assert why in refusal(view, asked)[1]


def test_a_complete_job_without_reduces_has_nothing_to_do_again() -> None:
    map_only = replace(KEPT, partitions=0, reduce_command=None)
    assert "has no reduce tasks to repeat" in refusal(ended("COMPLETE", map_only), map_only)[1]


def test_a_job_without_a_plan_may_become_any_other() -> None:
    view = JobView(state=JobState.FAIL, spec={}, plan=None)
    assert retried(view, replace(ASKED, map_command="tac"), {}).state is JobState.PENDING


def test_what_pods_have_added_to_the_spec_is_no_change_of_it() -> None:
    """Pods add the commands and scripts of the image, and the folder of the files."""
    written = replace(ASKED, map_command="./map.sh", reduce_command=None, files=("s3://b/data", "list"))
    found = replace(written, reduce_command="uniq -c", files=("s3://b/data", "/app/list", "/app/map.sh"))
    again = retried(ended("FAIL", found), written, {})
    assert (again.epoch, again.spec["files"]) == (0, ["s3://b/data", "/app/list", "/app/map.sh"])
    assert refusal(ended("FAIL", found), replace(written, files=("list",)))[0] is Refusal.ANOTHER_JOB


def test_another_script_for_the_reduces_is_another_reduce_command_and_no_more() -> None:
    old = replace(KEPT, reduce_command="./one.sh", files=("/f/map.sh", "/f/one.sh"))
    new = replace(KEPT, reduce_command="./two.sh", files=("/f/map.sh", "/f/two.sh"))
    assert retried(ended("COMPLETE", old), new, {}).spec["files"] == ["/f/map.sh", "/f/two.sh"]


def test_the_inputs_that_the_plan_keeps_by_their_digest_are_no_change() -> None:
    view = ended("MAP", kept_in_plan(ASKED))
    assert unused_changes(view, ASKED) == []
    assert unused_changes(view, replace(ASKED, inputs=("s3://b/other",))) == ["inputs"]


PINS = {"/f/map.sh": "1", "/f/data": "1", "/f/sum.sh": "1"}
SCRIPTS = replace(KEPT, map_command="./map.sh", reduce_command="./sum.sh", files=tuple(PINS))


def with_pins(state: str, **changes: Any) -> JobView:
    view = ended(state, SCRIPTS, **changes)
    assert view.plan is not None
    return replace(view, plan=replace(view.plan, files=PINS))


@pytest.mark.parametrize("changed", ["/f/map.sh", "/f/data"])
def test_with_another_content_of_a_file_that_maps_may_read_all_is_done_again(changed: str) -> None:
    again = retried(with_pins("FAIL"), SCRIPTS, {**PINS, changed: "2"})
    assert (again.state, again.retry, again.closed_tasks(Phase.MAP)) == (JobState.PENDING, 1, 0)
    assert (again.base(Phase.MAP), again.base(Phase.REDUCE), again.base(Phase.PUBLISH)) == (1, 1, 1)
    assert again.plan is not None
    assert (again.plan.is_settled, again.plan.files) == (False, {}), "the first worker pins the files anew"
    assert refusal(with_pins("COMPLETE"), SCRIPTS, {changed: "2"}) == (
        Refusal.ANOTHER_JOB,
        f"a retry cannot change {changed[3:]}: change it back, or delete the job and submit it again",
    )


@pytest.mark.parametrize("state", ["FAIL", "COMPLETE"])
def test_with_another_content_of_the_script_of_the_reduces_they_alone_are_done_again(state: str) -> None:
    again = retried(with_pins(state), SCRIPTS, {"/f/sum.sh": "2"})
    assert (again.state, again.closed_tasks(Phase.MAP), again.base(Phase.REDUCE)) == (JobState.PENDING, 3, 1)
    assert again.plan is not None
    assert (again.plan.is_settled, set(again.plan.files)) == (False, {"/f/map.sh", "/f/data"})


def test_with_the_same_contents_what_is_done_stays_and_is_pinned() -> None:
    again = retried(with_pins("FAIL"), SCRIPTS, PINS)
    assert (again.epoch, again.closed_tasks(Phase.MAP)) == (0, 3)
    assert again.plan is not None
    assert again.plan.files == PINS


@pytest.mark.parametrize(("closed", "maps"), [(True, 3), (False, 0)])
def test_another_image_does_no_phase_half(closed: bool, maps: int) -> None:
    view = with_pins("FAIL")
    if not closed:
        lanes = {phase: {n: lane.begun_anew() for n, lane in of.items()} for phase, of in view.lanes.items()}
        view = replace(view, lanes=lanes)
    again = retried(view, replace(SCRIPTS, image="words:2"), PINS)
    assert (again.closed_tasks(Phase.MAP), again.base(Phase.MAP)) == (maps, int(not closed))
    assert again.base(Phase.REDUCE) == 1
