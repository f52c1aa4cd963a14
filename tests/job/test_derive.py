from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from kubemr_shell.job.derive import resolve
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.validate import spec_from_mapping
from tests.support.job_documents import unhurried, valid_specs

SPEC = JobSpec(inputs=("a",), map_command="cat", reduce_command="uniq -c")


@pytest.mark.parametrize(
    ("spec", "partitions"),
    [
        (SPEC, 4),
        (replace(SPEC, replicas=10), 10),
        (replace(SPEC, replicas=10, slots=2), 10),
        (replace(SPEC, replicas=10, partitions=3), 3),
        (replace(SPEC, reduce_command=None, partitions=0), 0),
    ],
)
def test_partitions_default_to_the_replicas_then_to_the_slots(spec: JobSpec, partitions: int) -> None:
    assert resolve(spec, slots=4).partitions == partitions


@pytest.mark.lengthy
@unhurried
@given(valid_specs())
def test_a_resolved_spec_does_not_depend_on_the_machine_any_more(mapping: dict[str, Any]) -> None:
    resolved = resolve(spec_from_mapping(mapping), slots=2)
    assert resolve(resolved, slots=64) == resolved
