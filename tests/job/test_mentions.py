"""Tests of the search for variables of the input file."""

from __future__ import annotations

import pytest

from kubemr_shell.job.mentions import absolute_paths, mention_in_commands, mentioned_variable
from kubemr_shell.job.spec import Command, JobSpec


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ('awk "$map_input_file"', "map_input_file"),
        ('os.environ["mapreduce_map_input_file"]', "mapreduce_map_input_file"),
        ("jobconf_from_env('mapreduce.map.input.file')", "mapreduce.map.input.file"),
        ("${KUBEMR_INPUT%.gz}", "KUBEMR_INPUT"),
        ("$KUBEMR_INPUT_START", "KUBEMR_INPUT_START"),
        ("$map_input_length", "map_input_length"),
        ('cat "$KUBEMR_INPUT_FILES"', None),
        ('cat "${KUBEMR_INPUT_FILES:-$KUBEMR_INPUT}"', "KUBEMR_INPUT"),
        ("my_map_input_files", None),
        ("MY_KUBEMR_INPUT", None),
        ("map_input", None),
        ("", None),
    ],
)
def test_only_whole_names_of_variables_of_one_input_file_count(text: str, variable: str | None) -> None:
    assert mentioned_variable(text.encode()) == variable


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        (JobSpec(map_command="echo $KUBEMR_INPUT"), ("mapCommand", "KUBEMR_INPUT")),
        (JobSpec(map_command=("sh", "-c", "echo $map_input_file")), ("mapCommand", "map_input_file")),
        (JobSpec(map_command="cat", combine_command="./c $KUBEMR_INPUT"), ("combineCommand", "KUBEMR_INPUT")),
        (JobSpec(map_command="cat", reduce_command="echo $KUBEMR_INPUT"), None),
        (JobSpec(map_command="cat \udcff"), None),
    ],
)
def test_the_commands_of_the_map_phase_are_searched(spec: JobSpec, found: tuple[str, str] | None) -> None:
    assert mention_in_commands(spec) == found


@pytest.mark.parametrize(
    ("command", "paths"),
    [
        ("python3 /opt/map.py '/opt/a b' x", ("/opt/map.py", "/opt/a b")),
        (("/opt/map.py", "-v"), ("/opt/map.py",)),
        ("cat 'no end /x", ("/x",)),
        (None, ()),
    ],
)
def test_absolute_paths_in_a_command_may_be_scripts(command: Command | None, paths: tuple[str, ...]) -> None:
    assert absolute_paths(JobSpec(map_command=command)) == paths
