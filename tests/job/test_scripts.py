from __future__ import annotations

import pytest

from kubemr_shell.job.fingerprint import Changes, changed_fields
from kubemr_shell.job.scripts import files_of_maps, script_name
from kubemr_shell.job.spec import Command, JobSpec

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


def test_another_script_for_the_reduces_keeps_the_maps() -> None:
    files = ("/f/map.sh", "/f/other.sh", "s3://b/data")
    other = JobSpec(map_command="./map.sh", reduce_command="./other.sh", files=files, partitions=2)
    assert changed_fields(SPEC, other) == Changes(forbidden=(), reduce_only=("reduceCommand",))
