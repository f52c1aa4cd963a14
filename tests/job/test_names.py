from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.job import names
from kubemr_shell.job.state import Phase
from tests.support.job_documents import unhurried


def test_parts_sort_by_name_as_by_number() -> None:
    assert names.part_name(0) == "part-00000"
    assert names.part_name(42, "gzip") == "part-00042.gz"
    parts = [names.part_name(index) for index in range(0, 100_000, 777)]
    assert parts == sorted(parts)


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("index", [0, 99_999, 1_234_567])
def test_the_name_of_a_part_is_known_as_one(index: int, compression: str) -> None:
    assert names.is_part_name(names.part_name(index, compression))


@pytest.mark.parametrize(
    "name", ["part-0000", "part-00000.txt", "part-00000.gz.gz", "xpart-00000", "part-00000\n", "_SUCCESS"]
)
def test_other_names_are_not(name: str) -> None:
    assert not names.is_part_name(name)


def test_the_shards_of_a_job_have_a_name_for_each_phase_epoch_and_index() -> None:
    combinations = [(phase, epoch, index) for phase in Phase for epoch in range(12) for index in (0, 1, 11, 99_999)]
    shards = {names.shard_name("words", *combination) for combination in combinations}
    assert len(shards) == len(combinations)
    assert names.shard_name("words", Phase.REDUCE, 1, 42) == "words-r1-00042"


@pytest.mark.parametrize(
    ("entry", "location", "name"),
    [
        ("a/data.txt#dictionary", "a/data.txt", "dictionary"),
        ("s3://b/env.tar.gz#env", "s3://b/env.tar.gz", "env"),
        ("https://h/v1/env.zip?x=#1#env", "https://h/v1/env.zip?x=#1", "env"),
        ("c#.txt#c.txt", "c#.txt", "c.txt"),
        ("a/data.txt", "a/data.txt", "data.txt"),
        ("a/data.txt#", "a/data.txt#", "data.txt#"),
        ("a#b/data.txt", "a#b/data.txt", "data.txt"),
        ("a/#data", "a/#data", "#data"),
    ],
)
def test_a_file_of_a_job_may_have_another_name_in_the_folder_of_an_attempt(
    entry: str, location: str, name: str
) -> None:
    assert (names.file_location(entry), names.file_name(entry)) == (location, name)


def test_an_attempt_is_named_after_its_task() -> None:
    assert names.attempt_name(17, 0) == "17.0"
    assert names.parse_attempt_name("17.3") == (17, 3)


@unhurried
@given(st.sampled_from(Phase), st.integers(min_value=0, max_value=10**9))
def test_a_label_says_which_task_is_meant(phase: Phase, task: int) -> None:
    assert names.parse_task_label(names.task_label(phase, task)) == (phase, task)


@pytest.mark.parametrize(
    "label", ["", "map", "map/", "map/x", "map/-1", "map/1.5", "map/ 1", "mop/1", "/1", "map/1/2", "map/²"]
)
def test_anything_else_is_no_label(label: str) -> None:
    with pytest.raises(ValueError, match=r"map/17|not a valid Phase"):
        names.parse_task_label(label)
