import pytest

from kubemr_shell.local_run.ending import Ending, Stage, keeps_state


@pytest.mark.parametrize(
    ("stage", "is_by_user", "keeps"),
    [
        (Stage.UNFINISHED, False, True),
        (Stage.UNFINISHED, True, True),
        (Stage.COMPLETE, False, False),
        (Stage.COMPLETE, True, False),
        (Stage.DELIVERED, False, False),
    ],
)
def test_an_output_keeps_the_state_of_an_unfinished_job_for_a_resume(
    stage: Stage, is_by_user: bool, keeps: bool
) -> None:
    ending = Ending(stage=stage, is_by_user=is_by_user)
    assert keeps_state(ending, has_output=True, keep_tmp=False) is keeps
    assert keeps_state(ending, has_output=True, keep_tmp=True)


@pytest.mark.parametrize("keep_tmp", [False, True])
@pytest.mark.parametrize(
    ("stage", "is_by_user", "keeps"),
    [
        (Stage.UNFINISHED, False, True),
        (Stage.UNFINISHED, True, False),
        (Stage.COMPLETE, False, True),
        (Stage.COMPLETE, True, False),
        (Stage.DELIVERED, False, False),
    ],
)
def test_a_run_to_stdout_keeps_its_state_after_an_error_only(
    stage: Stage, is_by_user: bool, keep_tmp: bool, keeps: bool
) -> None:
    ending = Ending(stage=stage, is_by_user=is_by_user)
    assert keeps_state(ending, has_output=False, keep_tmp=keep_tmp) is keeps
