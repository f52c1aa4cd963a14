"""A run in one process that dies, or is asked to stop, just before any one of its changes of a file or of the board."""

from __future__ import annotations

import signal

import pytest

from tests.scenarios.crashes import dying, has_died
from tests.scenarios.jobs import WordCount, assert_complete
from tests.support.runs import Place

JOB = WordCount(lines=150, words=29, partitions=2, split_bytes=500)
OLD = WordCount(lines=60, words=60, partitions=4, input="old words")
MORE_STEPS_THAN_A_RUN_HAS = 135

STEPS = {
    "before its state has a folder": ("os.mkdir", 1),
    "while its state is made": ("os.mkdir", 4),
    "before the job is on the board": ("board COMMIT", 1),
    "before its board appears": ("os.rename", 0),
    "before the plan is written": ("splits-00000", 0),
    "after a map output, before its commit": ("journal/map-00000", 0),
    "before the map phase is closed": ("manifest", 0),
    "before the reduce phase is closed": ("manifest", 1),
    "before the first part is published": ("out/part-", 0),
    "between two parts": ("out/part-", 1),
    "before _SUCCESS appears": ("out/_SUCCESS", 0),
    "while it cleans up": ("in a tree", 8),
    "before its lock is removed": ("owner.lock", 1),
}
STEPS_OF_REPLACING = {
    "before the job is on the board": ("board COMMIT", 1),
    "before the old _SUCCESS is removed": ("out/_SUCCESS", 0),
    "before the first part is replaced": ("out/part-", 0),
    "between two parts": ("out/part-", 1),
    "before the first surplus part is removed": ("out/part-", 2),
    "before the new _SUCCESS appears": ("out/_SUCCESS", 1),
    "while it cleans up": ("in a tree", 8),
}


@pytest.mark.parametrize(("on", "at"), STEPS.values(), ids=STEPS.keys())
def test_a_run_that_dies_can_be_resumed_whatever_it_was_about_to_do(place: Place, on: str, at: int) -> None:
    dies_and_is_resumed(place, on, at)
    assert has_died(place)


@pytest.mark.slow
@pytest.mark.parametrize("at", range(MORE_STEPS_THAN_A_RUN_HAS))
def test_a_run_that_dies_at_any_step_can_be_resumed(place: Place, at: int) -> None:
    dies_and_is_resumed(place, "", at)


@pytest.mark.parametrize(("on", "at"), STEPS_OF_REPLACING.values(), ids=STEPS_OF_REPLACING.keys())
def test_an_overwriting_run_that_dies_leaves_the_old_result_or_none_or_the_new_one(
    place: Place, on: str, at: int
) -> None:
    dies_while_it_replaces(place, on, at)
    assert has_died(place)


@pytest.mark.slow
@pytest.mark.parametrize("at", range(MORE_STEPS_THAN_A_RUN_HAS))
def test_an_overwriting_run_that_dies_at_any_step_leaves_one_result_or_none(place: Place, at: int) -> None:
    dies_while_it_replaces(place, "", at)


@pytest.mark.parametrize("at", [5, 20, 60, 100])
def test_a_run_that_is_asked_to_stop_can_be_resumed_whatever_it_was_about_to_do(place: Place, at: int) -> None:
    is_stopped_and_resumed(place, signal.SIGTERM, 143, at)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 143)])
@pytest.mark.parametrize("at", range(MORE_STEPS_THAN_A_RUN_HAS))
def test_a_run_that_is_asked_to_stop_at_any_step_can_be_resumed(
    place: Place, number: signal.Signals, code: int, at: int
) -> None:
    is_stopped_and_resumed(place, number, code, at)


def is_stopped_and_resumed(place: Place, number: signal.Signals, code: int, at: int) -> None:
    """The result may be complete all the same, where there was nothing left to stop."""
    stopped = place.run(*JOB.arguments(place), environment=dying(place, at=at, by=number))
    assert stopped.code == code or (place.output / "_SUCCESS").exists(), stopped.stderr
    assert stopped.code in (0, code), stopped.stderr
    assert place.processes() == []

    resumed = place.run(*JOB.arguments(place), "--resume")

    assert resumed.code == 0, resumed.stderr
    assert_complete(place, JOB)


def dies_and_is_resumed(place: Place, on: str, at: int) -> None:
    died = place.run(*JOB.arguments(place), environment=dying(place, on=on, at=at))
    assert died.code == (-signal.SIGKILL if has_died(place) else 0), died.stderr

    resumed = place.run(*JOB.arguments(place), "--resume")

    assert resumed.code == 0, resumed.stderr
    assert_complete(place, JOB)


def dies_while_it_replaces(place: Place, on: str, at: int) -> None:
    """``_SUCCESS`` always names one whole result, and the next run replaces every file."""
    assert place.run(*OLD.arguments(place)).code == 0
    assert_complete(place, OLD)

    died = place.run(*JOB.arguments(place), "--overwrite", environment=dying(place, on=on, at=at))
    assert died.code == (-signal.SIGKILL if has_died(place) else 0), died.stderr
    if (place.output / "_SUCCESS").exists():
        named = {part["name"]: place.parts()[part["name"]] for part in place.success()["parts"]}
        assert named in (OLD.parts(), JOB.parts())

    again = place.run(*JOB.arguments(place), "--overwrite")
    assert again.code == 0, again.stderr
    assert_complete(place, JOB)
