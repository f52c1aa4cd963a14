from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.job.fingerprint import Changes, changed_fields, pins_of_maps
from kubemr_shell.job.scripts import files_of_maps, script_name
from kubemr_shell.job.spec import Command, JobSpec
from kubemr_shell.job.spec_mappings import EnvVar
from kubemr_shell.job.validate import spec_to_mapping

FILES = ("/f/map.sh", "/f/reduce.sh", "s3://b/data")
SPEC = JobSpec(map_command="./map.sh", reduce_command="./reduce.sh -x", files=FILES, partitions=2)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("./map.py -v", "map.py"),
        ("map.py", "map.py"),
        (("./map.py", "a b"), "map.py"),
        ("bin/map.py", None),
        ("/bin/cat", None),
        ("'no end", None),
        ("", None),
        ((), None),
        (None, None),
    ],
)
def test_the_first_word_of_a_command_may_be_a_script_beside_the_yaml(command: Command | None, name: str | None) -> None:
    assert script_name(command) == name


def test_the_script_of_the_reduces_is_no_file_of_the_maps_unless_they_begin_with_it_too() -> None:
    assert files_of_maps(SPEC) == ("/f/map.sh", "s3://b/data")
    shared = JobSpec(map_command="./reduce.sh", reduce_command="./reduce.sh", files=FILES)
    assert files_of_maps(shared) == FILES


@pytest.mark.parametrize(
    "maps",
    [
        {"map_command": "sh reduce.sh map"},
        {"map_command": ("sh", "./reduce.sh", "map")},
        {"map_command": "cat; . ./reduce.sh"},
        {"map_command": "cat", "combine_command": "sh reduce.sh combine"},
        {"map_command": "sh $SCRIPT map", "env": (EnvVar(name="SCRIPT", value="reduce.sh"),)},
        {"map_command": "sh $SCRIPT map", "jobargs": {"SCRIPT": "reduce.sh"}},
    ],
)
def test_a_script_that_the_map_phase_mentions_is_a_file_of_the_maps_too(maps: dict[str, Any]) -> None:
    spec = JobSpec(reduce_command="./reduce.sh reduce", files=FILES, partitions=2, **maps)
    old, new = dict.fromkeys(FILES, "old"), {**dict.fromkeys(FILES, "old"), "/f/reduce.sh": "new"}
    assert files_of_maps(spec) == FILES
    assert pins_of_maps(spec_to_mapping(spec), old) == old
    assert changed_fields(spec, spec, planned=old, found=new) == Changes(
        forbidden=(), maps=("reduce.sh",), reduce_only=()
    )


def test_another_script_for_the_reduces_keeps_the_maps() -> None:
    files = ("/f/map.sh", "/f/other.sh", "s3://b/data")
    other = JobSpec(map_command="./map.sh", reduce_command="./other.sh", files=files, partitions=2)
    assert changed_fields(SPEC, other) == Changes(forbidden=(), reduce_only=("reduceCommand",))
