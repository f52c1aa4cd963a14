"""The schema and the validation say yes and no to the same documents.

What JSON cannot hold, or JSON Schema cannot say, is left out: halves of surrogate pairs, strings for more than 2^63
bytes, templates of more than 10,000 values, and files that would have the same name in the attempt's folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import assume, given, settings

from kubemr_shell.errors import InvalidSpec
from kubemr_shell.job.schema import json_schema
from kubemr_shell.job.validate import load_job
from tests.job.documents import FIRST_KUBEMR, document, from_yaml, mutated_documents, unhurried, valid_documents


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


@unhurried
@given(valid_documents())
def test_both_accept_what_is_right(candidate: object) -> None:
    assert problems(candidate) == ""
    BY_SCHEMA.validate(candidate)


@settings(unhurried, max_examples=300)
@given(mutated_documents())
def test_both_accept_or_both_refuse_what_was_changed(candidate: object) -> None:
    by_schema = [error.message for error in BY_SCHEMA.iter_errors(candidate)]
    assume("in the attempt's folder, as" not in problems(candidate))
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
