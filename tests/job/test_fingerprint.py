from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from kubemr_shell.job.derive import resolve
from kubemr_shell.job.fingerprint import Changes, changed_fields, kept_in_plan, plan_fingerprint
from kubemr_shell.job.records import CSV
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.spec_mappings import EnvVar, HeaderSpec, KeySpec, S3Spec, SplitSpec

OLD = resolve(JobSpec(inputs=("a",), map_command="cat", reduce_command="uniq -c"), slots=4)
MAP_ONLY = JobSpec(inputs=("a",), map_command="cat", partitions=0)

FORBIDDEN: dict[str, Any] = {
    "inputs": ("b",),
    "inputs_from": "list",
    "decompress": "none",
    "records": CSV,
    "header": HeaderSpec(mode="drop"),
    "map_command": ("cat",),
    "combine_command": "uniq -c",
    "partitions": 5,
    "key": KeySpec(fields=2),
    "files": ("map.py",),
    "archives": ("data.tar",),
    "split": SplitSpec(pack=False),
    "env": (EnvVar(name="A", value="1"),),
    "jobargs": {"a": "b"},
}
REDUCE_ONLY: dict[str, Any] = {"reduce_command": "uniq", "compress_output": "gzip"}
FREE: dict[str, Any] = {
    "replicas": 7,
    "slots": 9,
    "max_attempts": 1,
    "timeout_seconds": 5,
    "nice": 5,
    "ok_exit_codes": (0, 1),
    "output": "out",
    "keep_tmp": True,
    "template": {"spec": {}},
    "s3": S3Spec(region="eu", path_style="always", ca_bundle="/ca.pem", requester_pays=True, max_requests_per_second=5),
    "ttl_seconds_after_finished": 5,
    "active_deadline_seconds": 5,
    "cancel": True,
    "retry": 1,
    "suspend": True,
}


def yaml(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def test_of_every_field_it_is_known_what_a_change_means() -> None:
    names = [*FORBIDDEN, *REDUCE_ONLY, *FREE, "image"]
    assert sorted(names) == sorted(field.name for field in fields(JobSpec))


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_change_of_what_decides_the_maps_is_forbidden(name: str) -> None:
    new = replace(OLD, **{name: FORBIDDEN[name]})
    assert changed_fields(OLD, new) == Changes(forbidden=(yaml(name),), reduce_only=())


@pytest.mark.parametrize("name", REDUCE_ONLY)
def test_a_change_of_what_decides_the_output_alone_keeps_the_maps(name: str) -> None:
    new = replace(OLD, **{name: REDUCE_ONLY[name]})
    assert changed_fields(OLD, new) == Changes(forbidden=(), reduce_only=(yaml(name),))


@pytest.mark.parametrize("name", FREE)
def test_other_changes_do_not_matter(name: str) -> None:
    assert changed_fields(OLD, replace(OLD, **{name: FREE[name]})) == Changes(forbidden=(), reduce_only=())


def test_all_changes_are_named_together() -> None:
    new = replace(OLD, inputs=("b",), partitions=5, reduce_command=None, slots=1)
    assert changed_fields(OLD, new) == Changes(forbidden=("inputs", "partitions"), reduce_only=("reduceCommand",))


def test_a_spec_that_leaves_the_partitions_to_the_machine_keeps_those_of_the_plan() -> None:
    new = replace(OLD, partitions=None, slots=64)
    assert changed_fields(OLD, new) == Changes(forbidden=(), reduce_only=())


@pytest.mark.parametrize("changes", [{"compress_output": "zstd"}, {"partitions": None, "reduce_command": "cat"}])
def test_in_a_map_only_job_what_decides_the_output_decides_the_maps(changes: dict[str, Any]) -> None:
    changed = changed_fields(MAP_ONLY, replace(MAP_ONLY, **changes))
    assert len(changed.forbidden) == 1
    assert changed.reduce_only == ()


def test_another_image_decides_what_is_not_closed_yet() -> None:
    assert changed_fields(OLD, replace(OLD, image="words:2")) == Changes(
        forbidden=(), open_phases=("image",), reduce_only=()
    )


def test_the_contents_of_files_are_compared_as_far_as_they_are_known() -> None:
    old = replace(OLD, map_command="./map.sh", reduce_command="./sum.sh", files=("/a/map.sh", "/a/sum.sh", "/a/list"))
    planned = {"/a/map.sh": "1", "/a/sum.sh": "1", "/a/list": "1"}
    for found, changes in (
        ({}, ((), ())),
        (planned, ((), ())),
        ({"/a/new": "2"}, ((), ())),
        ({"/a/list": "2"}, (("list",), ())),
        ({"/a/sum.sh": "2"}, ((), ("sum.sh",))),
        ({"/a/sum.sh": "2", "/a/map.sh": "3"}, (("map.sh",), ("sum.sh",))),
    ):
        changed = changed_fields(old, old, planned=planned, found=found)
        assert ((changed.maps, changed.reduce_only), changed.forbidden) == (changes, ())
    map_only = replace(old, partitions=0, reduce_command=None)
    assert changed_fields(map_only, map_only, planned=planned, found={"/a/sum.sh": "2"}).maps == ("sum.sh",)


def test_a_fingerprint_of_a_plan_has_the_spec_and_the_files() -> None:
    prints = {
        plan_fingerprint(spec, files)
        for spec in ({"mapCommand": "cat"}, {"mapCommand": "tac"})
        for files in ({}, {"/a": "1"}, {"/a": "2"})
    }
    assert len(prints) == 6


def test_a_plan_keeps_the_digest_of_the_inputs() -> None:
    kept = kept_in_plan(OLD)
    assert len(kept.inputs[0]) == len("sha256:") + 64
    assert kept_in_plan(kept) == kept
    assert replace(kept, inputs=OLD.inputs) == OLD
    assert changed_fields(kept, OLD) == Changes(forbidden=(), reduce_only=())
    assert changed_fields(kept, replace(OLD, inputs=("a", "a"))).forbidden == ("inputs",)
    assert kept_in_plan(JobSpec(inputs_from="list")) == JobSpec(inputs_from="list")
