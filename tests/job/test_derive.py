from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from kubemr_shell.errors import InvalidSpec
from kubemr_shell.job.derive import override, resolve
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.validate import spec_from_mapping
from tests.job.documents import unhurried, valid_specs

SPEC = JobSpec(inputs=("a",), map_command="cat", reduce_command="uniq -c")


def test_changes_replace_fields() -> None:
    changed = override(SPEC, {"partitions": 2, "inputs": ("b", "c"), "map_command": ("grep", "x")})
    assert changed == JobSpec(inputs=("b", "c"), map_command=("grep", "x"), reduce_command="uniq -c", partitions=2)
    assert SPEC.partitions is None


def test_none_takes_a_field_away() -> None:
    assert override(SPEC, {"reduce_command": None}).reduce_command is None


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"partitions": 0}, "reduceCommand"),
        ({"partitions": -1}, "partitions"),
        ({"slots": 0}, "slots"),
        ({"map_command": " "}, "mapCommand"),
        ({"inputs": ()}, "inputs"),
        ({"inputs": ("a\0",)}, "inputs[0]"),
        ({"output": "http://example.org"}, "output"),
    ],
)
def test_a_spec_that_changes_have_broken_is_refused(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidSpec) as refused:
        override(SPEC, changes)
    assert [problem.path for problem in refused.value.problems] == [path]


@unhurried
@given(valid_specs())
def test_no_changes_change_nothing(mapping: dict[str, Any]) -> None:
    spec = spec_from_mapping(mapping)
    assert override(spec, {}) == spec


@pytest.mark.parametrize(
    ("spec", "partitions"),
    [
        (SPEC, 4),
        (override(SPEC, {"replicas": 10}), 10),
        (override(SPEC, {"replicas": 10, "slots": 2}), 10),
        (override(SPEC, {"replicas": 10, "partitions": 3}), 3),
        (override(SPEC, {"reduce_command": None, "partitions": 0}), 0),
    ],
)
def test_partitions_default_to_the_replicas_then_to_the_slots(spec: JobSpec, partitions: int) -> None:
    assert resolve(spec, slots=4).partitions == partitions


@unhurried
@given(valid_specs())
def test_a_resolved_spec_does_not_depend_on_the_machine_any_more(mapping: dict[str, Any]) -> None:
    resolved = resolve(spec_from_mapping(mapping), slots=2)
    assert resolve(resolved, slots=64) == resolved
