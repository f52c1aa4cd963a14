"""What becomes of a job that is asked to try again, by its state and by what was changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubemr_shell.board.job_view import JobView, PlanFacts
from kubemr_shell.board.retrying import Refusal, RetryRefused, retried
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.state import JobState, Phase
from kubemr_shell.job.validate import spec_to_mapping

ASKED = JobSpec(inputs=("s3://b/in",), map_command="cat", reduce_command="uniq -c", output="s3://b/out")
KEPT = replace(ASKED, keep_tmp=True)


def ended(state: str, spec: JobSpec = ASKED, **changes: Any) -> JobView:
    """A job that has mapped, as its pods have recorded it."""
    plain = spec_to_mapping(replace(spec, partitions=2 if spec.partitions is None else spec.partitions))
    facts = PlanFacts(
        claim_id="p", tasks=3, partitions=plain["partitions"], spec=plain, fingerprint="f", input_bytes=5
    ).with_layouts(agents=1)
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


def refusal(view: JobView, asked: JobSpec) -> tuple[Refusal, str]:
    with pytest.raises(RetryRefused) as refused:
        retried(view, asked)
    return refused.value.refusal, str(refused.value)


@pytest.mark.parametrize("state", ["FAIL", "CANCELLED"])
def test_a_job_that_has_not_ended_well_goes_on(state: str) -> None:
    same = retried(ended(state), ASKED)
    assert (same.state, same.epoch, same.retry) == (JobState.PENDING, 0, 1)
    other = retried(ended(state), replace(ASKED, reduce_command="uniq", max_attempts=9))
    assert (other.state, other.epoch, other.spec["reduceCommand"], other.spec["maxAttempts"]) == (
        "PENDING",
        1,
        "uniq",
        9,
    )


@pytest.mark.parametrize("changes", [{"reduce_command": "uniq"}, {"compress_output": "gzip"}])
def test_a_complete_job_that_has_kept_its_maps_has_other_reduces_done(changes: dict[str, Any]) -> None:
    anew = retried(ended("COMPLETE", KEPT), replace(KEPT, **changes))
    assert (anew.state, anew.closed_tasks(Phase.MAP), anew.closed_tasks(Phase.REDUCE)) == ("PENDING", 3, 0)


def test_a_complete_job_whose_maps_are_gone_is_refused_with_what_to_do() -> None:
    for view in (ended("COMPLETE"), ended("COMPLETE", KEPT, cleaned=True)):
        why, message = refusal(view, replace(KEPT, reduce_command="uniq"))
        assert why is Refusal.MAPS_GONE
        assert "another reduceCommand would need" in message
        assert "submit it as a new job, with keepTmp: true" in message


@pytest.mark.parametrize(
    ("view", "asked", "why"),
    [
        (ended("COMPLETE", KEPT), replace(KEPT, max_attempts=9), "change one of them to have its reduces done again"),
        (
            ended("COMPLETE", replace(KEPT, partitions=0, reduce_command=None)),
            KEPT,
            "another partitions, reduceCommand",
        ),
        (ended("MAP"), ASKED, "it is MAP: only a job that has ended"),
        (ended("FAIL"), replace(ASKED, map_command="tac", output="s3://b/other"), "another mapCommand, output makes"),
    ],
)
def test_what_else_is_refused(view: JobView, asked: JobSpec, why: str) -> None:
    if view.spec["partitions"] == 0:
        asked = replace(asked, partitions=2)
    assert why in refusal(view, asked)[1]


def test_a_complete_job_without_reduces_has_nothing_to_do_again() -> None:
    map_only = replace(KEPT, partitions=0, reduce_command=None)
    assert "has no reduces" in refusal(ended("COMPLETE", map_only), map_only)[1]


def test_a_job_without_a_plan_may_become_any_other() -> None:
    view = JobView(state=JobState.FAIL, spec={}, plan=None)
    assert retried(view, replace(ASKED, map_command="tac")).state is JobState.PENDING


def test_what_pods_have_added_to_the_spec_is_no_change_of_it() -> None:
    """Commands and scripts of the image, and the folder in which they found files."""
    written = replace(ASKED, map_command="./map.sh", reduce_command=None, files=("s3://b/data", "list"))
    found = replace(written, reduce_command="uniq -c", files=("s3://b/data", "/app/list", "/app/map.sh"))
    again = retried(ended("FAIL", found), written)
    assert (again.epoch, again.spec["files"]) == (0, ["s3://b/data", "/app/list", "/app/map.sh"])
    assert refusal(ended("FAIL", found), replace(written, files=("list",)))[0] is Refusal.ANOTHER_JOB


def test_another_script_for_the_reduces_is_another_reduce_command_and_no_more() -> None:
    old = replace(KEPT, reduce_command="./one.sh", files=("/f/map.sh", "/f/one.sh"))
    new = replace(KEPT, reduce_command="./two.sh", files=("/f/map.sh", "/f/two.sh"))
    assert retried(ended("COMPLETE", old), new).spec["files"] == ["/f/map.sh", "/f/two.sh"]
