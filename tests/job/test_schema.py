"""The schema and the validation say yes and no to the same documents.

What JSON cannot hold, or JSON Schema cannot say, is left out: halves of surrogate pairs, strings for more than 2^63
bytes, templates of more than 10,000 values or with numbers of more than 64 bits, and files that would have the same
name in the attempt's folder.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from itertools import product
from typing import Any, TypeAlias

import jsonschema
import pytest
from hypothesis import assume, given, settings

from kubemr_shell.errors import InvalidSpec
from kubemr_shell.job.kinds import API_VERSION, JOB_KIND
from kubemr_shell.job.schema import json_schema
from kubemr_shell.job.spec import SPEC
from kubemr_shell.job.validate import load_job
from tests.support.job_documents import (
    AWKWARD,
    FIRST_KUBEMR,
    document,
    from_yaml,
    mutated_documents,
    unhurried,
    valid_documents,
)

Path: TypeAlias = tuple[str | int, ...]
ONLY_OURS = re.compile("in the attempt's folder, as|that JSON can hold|no regular expression")


def unique_names(
    validator: jsonschema.protocols.Validator, keys: list[str], items: Any, schema: Any
) -> Iterator[jsonschema.ValidationError]:
    """Kubernetes' keyword for lists whose items differ in some fields."""
    names = [item.get(keys[0]) for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    texts = [name for name in names if isinstance(name, str)]
    if len(set(texts)) < len(texts):
        yield jsonschema.ValidationError("a name stands twice")


Validator = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, {"x-kubernetes-list-map-keys": unique_names}
)
BY_SCHEMA = Validator(json_schema())


def problems(candidate: object) -> str:
    try:
        load_job(candidate, "job.yaml")
    except InvalidSpec as error:
        return str(error)
    return ""


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.lengthy
@unhurried
@given(valid_documents())
def test_both_accept_what_is_right(candidate: object) -> None:
    assert problems(candidate) == ""
    BY_SCHEMA.validate(candidate)


FULL: dict[str, Any] = {
    "apiVersion": API_VERSION,
    "kind": JOB_KIND,
    "metadata": {"name": "n", "generateName": "n-", "namespace": "n", "labels": {"a": "b"}, "annotations": {}},
    "spec": {
        **dict.fromkeys(["image", "inputsFrom", "output"], "a"),
        **dict.fromkeys(["replicas", "slots", "partitions", "maxAttempts", "timeoutSeconds", "nice", "retry"], 1),
        **dict.fromkeys(["ttlSecondsAfterFinished", "activeDeadlineSeconds"], 1),
        **dict.fromkeys(["keepTmp", "cancel", "suspend"], False),
        **{name: ["a", "b"] for name in ("inputs", "files", "mapCommand", "combineCommand", "reduceCommand")},
        "archives": ["c"],
        "decompress": "auto",
        "records": {"separator": "$$$$\n"},
        "header": {"mode": "keep"},
        "compressOutput": "none",
        "okExitCodes": [0, 1],
        "key": {"separator": ",", "fields": 1},
        "split": {"maxBytes": "1Mi", "pack": True, "wholeFiles": False},
        "env": [{"name": "A", "value": "b"}, {"name": "B"}],
        "jobargs": {"a": "b"},
        "template": {"a": "b"},
        "s3": {"endpoint": "http://a", "region": "a", "secretName": "a"},
    },
}
"""A valid document with every field."""


OF_HEADERS = {name: value for name, value in FULL["spec"].items() if name != "split"}
"""The fields of a spec whose inputs may have headers."""
HEADERS = {**FULL, "spec": {**OF_HEADERS, "records": {"csv": ";"}, "header": {"mode": "repeat", "lines": 2}}}
"""A valid document whose inputs have headers."""
PREFIXED = {**FULL, "spec": {**OF_HEADERS, "records": "lines", "header": {"mode": "drop", "prefix": "#"}}}
"""A valid document whose inputs have headers that are known by a prefix."""


def all_places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of everything that stands in a document, itself too."""
    yield path
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from all_places(inner, (*path, step))


def replaced(value: Any, path: Path, new: Any) -> Any:
    """The document with another value at a path."""
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = replaced(value[path[0]], path[1:], new)
    return changed


def test_the_full_document_has_every_field() -> None:
    assert FULL["spec"].keys() == SPEC.shapes.keys()
    assert problems(FULL) == ""


@pytest.mark.parametrize("path", list(all_places(FULL)), ids=lambda path: ".".join(map(str, path)) or "document")
def test_both_agree_on_every_awkward_value_in_every_place(path: Path) -> None:
    check_awkward_values(FULL, path)


@pytest.mark.parametrize("document", [HEADERS, PREFIXED], ids=["lines", "prefix"])
def test_both_agree_on_every_awkward_value_of_a_header(document: dict[str, Any]) -> None:
    assert problems(document) == ""
    for path in all_places(document["spec"]["header"]):
        check_awkward_values(document, ("spec", "header", *path))
    check_awkward_values(document, ("spec", "records"))


def check_awkward_values(document: dict[str, Any], path: Path) -> None:
    for value in AWKWARD:
        candidate = replaced(document, path, value)
        by_ours = problems(candidate)
        if not ONLY_OURS.search(by_ours):
            assert bool(by_ours) != BY_SCHEMA.is_valid(candidate), (value, by_ours)


ABSENT = object()


@pytest.mark.parametrize(
    ("outer", "choices"),
    [
        ((), {"partitions": [ABSENT, 0, 1], "combineCommand": [ABSENT, "cat"], "reduceCommand": [ABSENT, "cat"]}),
        ((), {"inputs": [ABSENT, ["a"]], "inputsFrom": [ABSENT, "a"], "partitions": [ABSENT, 0]}),
        (("split",), {"wholeFiles": [ABSENT, True, False], "pack": [ABSENT, True, False], "maxBytes": [ABSENT, 1]}),
        (
            (),
            {
                "records": [ABSENT, "lines", "csv", "fastq", {"csv": ";"}, {"bytes": 5}],
                "split": [ABSENT, {"maxBytes": 5}, {"records": 5}],
                "header": [ABSENT, {}, {"mode": "keep"}, {"mode": "drop"}, {"mode": "repeat", "lines": 3}],
            },
        ),
        (("header",), {"mode": [ABSENT, "keep", "repeat"], "lines": [ABSENT, 1, 2], "prefix": [ABSENT, "#"]}),
        (("s3",), {"endpoint": [ABSENT, "http://a"], "region": [ABSENT, "a"]}),
    ],
)
def test_both_agree_on_what_contradicts_itself(outer: Path, choices: dict[str, list[Any]]) -> None:
    for values in product(*choices.values()):
        fields = {name: value for name, value in zip(choices, values, strict=True) if value is not ABSENT}
        spec = {"inputs": ["a"], outer[0]: fields} if outer else fields
        candidate = document() | {"spec": spec}
        assert bool(problems(candidate)) != BY_SCHEMA.is_valid(candidate), spec


@pytest.mark.lengthy
@settings(unhurried, max_examples=200)
@given(mutated_documents())
def test_both_accept_or_both_refuse_what_was_changed(candidate: object) -> None:
    by_schema = [error.message for error in BY_SCHEMA.iter_errors(candidate)]
    assume(not ONLY_OURS.search(problems(candidate)))
    assert bool(problems(candidate)) == bool(by_schema), (problems(candidate), by_schema)


def test_the_schema_accepts_the_first_kubemrs_manifest() -> None:
    BY_SCHEMA.validate(from_yaml(FIRST_KUBEMR))


@pytest.mark.parametrize("candidate", [None, [], "job", 1, {}, {"spec": {}}, {"spec": None}])
def test_both_refuse_what_is_no_job_at_all(candidate: object) -> None:
    assert problems(candidate)
    assert not BY_SCHEMA.is_valid(candidate)


def test_every_field_of_the_spec_has_a_description() -> None:
    def undescribed(schema: dict[str, Any], path: str) -> Iterator[str]:
        for name, inner in schema.get("properties", {}).items():
            if not inner.get("description", "").endswith("."):
                yield f"{path}.{name}"
            yield from undescribed(inner, f"{path}.{name}")

    assert list(undescribed(json_schema()["properties"]["spec"], "spec")) == []


def test_defaults_in_the_schema_are_valid_themselves() -> None:
    defaults = {
        name: field["default"]
        for name, field in json_schema()["properties"]["spec"]["properties"].items()
        if "default" in field
    }
    assert defaults["maxAttempts"] == 4
    assert problems(document(**defaults)) == ""
    BY_SCHEMA.validate(document(**defaults))
