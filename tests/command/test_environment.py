"""Tests of the environment of a command: the variables that it has, old and new names, and those that it lacks."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from kubemr_shell.command.environment import AttemptFacts, attempt_environment, inherited_environment

FACTS = AttemptFacts(
    job_name="words",
    job_id="5f1c-77",
    phase="map",
    task=17,
    attempt=2,
    maps=40,
    partitions=5,
    worker="w1",
    output="s3://results/words/",
    cpus=3,
    input_uri="s3://logs/a.txt",
    input_start=100,
    input_length=50,
)
REDUCE = replace(FACTS, phase="reduce", input_uri=None, input_start=0, input_length=None)
SEVERAL = replace(REDUCE, phase="map", input_files="/scratch/list")


def given(facts: AttemptFacts = FACTS, **inherited: str) -> dict[str, str]:
    return attempt_environment(inherited, facts, {}, folder="/scratch/x", command="cat")


def test_a_map_task_of_one_file_knows_everything() -> None:
    ours = {name: value for name, value in given().items() if name.startswith("KUBEMR_")}
    assert ours == {
        "KUBEMR_JOB_NAME": "words",
        "KUBEMR_JOB_ID": "5f1c-77",
        "KUBEMR_PHASE": "map",
        "KUBEMR_TASK": "17",
        "KUBEMR_ATTEMPT": "2",
        "KUBEMR_MAPS": "40",
        "KUBEMR_PARTITIONS": "5",
        "KUBEMR_WORKER": "w1",
        "KUBEMR_CPUS": "3",
        "KUBEMR_INPUT": "s3://logs/a.txt",
        "KUBEMR_INPUT_START": "100",
        "KUBEMR_INPUT_LENGTH": "50",
    }


def test_threads_are_limited_to_the_cpus_of_an_attempt_unless_the_limit_is_set() -> None:
    assert (given()["OMP_NUM_THREADS"], given()["GOMAXPROCS"]) == ("3", "3")
    assert given(OMP_NUM_THREADS="8")["OMP_NUM_THREADS"] == "8"
    user = attempt_environment({}, FACTS, {"GOMAXPROCS": "1"}, folder="/scratch/x", command="cat")
    assert (user["GOMAXPROCS"], user["OMP_NUM_THREADS"], user["KUBEMR_CPUS"]) == ("1", "3", "3")


@pytest.mark.parametrize(
    ("new", "old", "value"),
    [
        ("mapreduce_job_name", "mapred_job_name", "words"),
        ("mapreduce_task_partition", "mapred_task_partition", "17"),
        ("mapreduce_task_ismap", "mapred_task_is_map", "true"),
        ("mapreduce_map_input_file", "map_input_file", "s3://logs/a.txt"),
        ("mapreduce_map_input_start", "map_input_start", "100"),
        ("mapreduce_map_input_length", "map_input_length", "50"),
        ("mapreduce_job_reduces", "mapred_reduce_tasks", "5"),
        ("mapreduce_job_maps", "mapred_map_tasks", "40"),
        ("mapreduce_output_fileoutputformat_outputdir", "mapred_output_dir", "s3://results/words/"),
    ],
)
def test_hadoops_names_are_there_new_and_old(new: str, old: str, value: str) -> None:
    environment = given()
    assert (environment[new], environment[old]) == (value, value)


@pytest.mark.parametrize(("facts", "letter"), [(FACTS, "m"), (REDUCE, "r")])
def test_ids_have_the_shape_that_scripts_parse(facts: AttemptFacts, letter: str) -> None:
    environment = given(facts)
    match = re.fullmatch(r"job_([0-9]+)_([0-9]+)", environment["mapreduce_job_id"])
    assert match is not None
    stem = f"{match[1]}_{match[2]}_{letter}_000017"
    assert environment["mapred_tip_id"] == environment["mapreduce_task_id"] == f"task_{stem}"
    assert environment["mapred_task_id"] == environment["mapreduce_task_attempt_id"] == f"attempt_{stem}_2"


@pytest.mark.parametrize("facts", [REDUCE, SEVERAL])
def test_without_one_input_file_none_is_named(facts: AttemptFacts) -> None:
    """Nor one that we inherited because we run inside a task ourselves."""
    environment = given(facts, KUBEMR_INPUT="outer", map_input_file="outer", mapreduce_map_input_start="1")
    assert not [name for name in environment if "INPUT" in name and name != "KUBEMR_INPUT_FILES"]
    assert not [name for name in environment if "map_input" in name]
    assert environment.get("KUBEMR_INPUT_FILES") == facts.input_files


def test_an_input_of_unknown_length_has_none() -> None:
    environment = given(replace(FACTS, input_length=None))
    assert "KUBEMR_INPUT_LENGTH" not in environment
    assert "map_input_length" not in environment
    assert environment["KUBEMR_INPUT_START"] == "100"


def test_temporary_files_go_into_the_attempts_folder() -> None:
    assert given(TMPDIR="/tmp")["TMPDIR"] == "/scratch/x"


def test_a_list_finds_files_of_its_folder_first_and_a_string_does_not() -> None:
    def path(command: str | tuple[str, ...], folder: str = "/scratch/x", **inherited: str) -> str | None:
        return attempt_environment(inherited, FACTS, {}, folder=folder, command=command).get("PATH")

    assert path(("map.py",), PATH="/bin") == "/scratch/x:/bin"
    assert path(("map.py",)) == "/scratch/x:/usr/local/bin:/usr/bin:/bin"
    assert path(("map.py",), folder="/a:b", PATH="/bin") == ".:/bin"
    assert path("map.py", PATH="/bin") == "/bin"
    assert path("map.py") is None


def test_what_the_user_sets_wins() -> None:
    environment = attempt_environment(
        {"A": "inherited", "B": "kept"},
        FACTS,
        {"A": "mine", "TMPDIR": "/big", "KUBEMR_TASK": "x", "PATH": "/mine"},
        folder="/scratch/x",
        command=("map.py",),
    )
    found = [environment[name] for name in ("A", "B", "TMPDIR", "KUBEMR_TASK", "PATH")]
    assert found == ["mine", "kept", "/big", "x", "/scratch/x:/mine"]


def test_the_inherited_variables_are_not_changed() -> None:
    inherited = {"PATH": "/bin"}
    attempt_environment(inherited, FACTS, {}, folder="/scratch/x", command=("x",))
    assert inherited == {"PATH": "/bin"}


@pytest.mark.parametrize(
    ("before", "is_frozen", "after"),
    [
        ({"LD_LIBRARY_PATH": "/ours", "LD_LIBRARY_PATH_ORIG": "/theirs"}, True, {"LD_LIBRARY_PATH": "/theirs"}),
        ({"LD_LIBRARY_PATH": "/ours"}, True, {}),
        ({"_PYI_ARCHIVE_FILE": "/ours", "_PYI_PARENT_PROCESS_LEVEL": "1", "A": "theirs"}, True, {"A": "theirs"}),
        ({"LD_LIBRARY_PATH": "/theirs"}, False, {"LD_LIBRARY_PATH": "/theirs"}),
        ({"LD_LIBRARY_PATH_ORIG": "/theirs"}, False, {"LD_LIBRARY_PATH_ORIG": "/theirs"}),
    ],
)
def test_a_frozen_program_gives_its_libraries_and_variables_to_nobody(
    before: dict[str, str], is_frozen: bool, after: dict[str, str]
) -> None:
    assert inherited_environment(before, is_frozen=is_frozen) == after
