"""The CustomResourceDefinitions of jobs and of their shards, made from the description of the spec.

An API server demands a structural schema: a type for every value, no choice between types, and no patterns that
exclude. The operator checks the other rules, and lists all problems in the job's status. The API server fills in no
defaults, so a job keeps exactly the fields that its author wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubemr_shell.job.kinds import (
    GROUP,
    JOB_KIND,
    JOB_PLURAL,
    POLICY_KIND,
    POLICY_PLURAL,
    SHARD_KIND,
    SHARD_PLURAL,
    VERSION,
)
from kubemr_shell.job.spec import SPEC
from kubemr_shell.job.state import JobState
from kubemr_shell.job.validate import LONGEST_NAME

Schema = dict[str, Any]
"""A JSON Schema, or the schema of a CRD."""

KEPT = (
    "type",
    "description",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "required",
)
"""The keywords of a JSON Schema that a structural schema of Kubernetes takes unchanged."""
KUBERNETES = "x-kubernetes-"
"""The beginning of the keywords that Kubernetes adds to JSON Schema."""
ANYTHING: Schema = {"x-kubernetes-preserve-unknown-fields": True}
"""The schema of a field that may hold any value."""
NUMBERS: Schema = {"type": "integer", "minimum": 0}
"""The schema of a count."""


def job_crd() -> dict[str, Any]:
    """Return the definition of MapReduceJob."""
    schema = {
        "type": "object",
        "description": "A MapReduce job of kubemr-shell.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(SPEC.schema()) | {"x-kubernetes-validations": _spec_rules()},
            "status": _status(),
        },
        "x-kubernetes-validations": [
            {
                "rule": f"size(self.metadata.name) <= {LONGEST_NAME}",
                "message": f"metadata.name may have {LONGEST_NAME} characters: pods are called after the job",
            }
        ],
    }
    columns = [
        {"name": "State", "type": "string", "jsonPath": ".status.state"},
        {
            "name": "Maps",
            "type": "string",
            "jsonPath": ".status.progress.map",
            "description": "Map tasks done, of all.",
        },
        {
            "name": "Reduces",
            "type": "string",
            "jsonPath": ".status.progress.reduce",
            "description": "Reduce tasks done, of all.",
        },
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]
    return _crd(JOB_KIND, JOB_PLURAL, ["mrj"], schema, columns=columns, subresources={"status": {}})


def shard_crd() -> dict[str, Any]:
    """Return the definition of TaskShard, the state of up to 1,000 tasks. Only workers write shards."""
    state = {
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "x-kubernetes-preserve-unknown-fields": True,
        "properties": {"next": {"type": "integer", "minimum": 0}},
        "x-kubernetes-validations": [
            {
                "rule": "!has(oldSelf.next) || (has(self.next) && self.next >= oldSelf.next)",
                "message": "a task that was handed out stays handed out: state.next never decreases",
            }
        ],
    }
    spec = {
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "x-kubernetes-preserve-unknown-fields": True,
        "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "the spec of a shard does not change"}],
    }
    schema = {
        "type": "object",
        "description": "Who works on which of a run of neighbouring tasks, and which are done. Written by workers.",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "state": state,
        },
    }
    return _crd(SHARD_KIND, SHARD_PLURAL, [], schema)


def policy_crd() -> dict[str, Any]:
    """Return the definition of JobPolicy, the parameters of the policy for jobs: ``operator/job_policy.py`` reads them.

    They are an own kind, since API servers do not find ConfigMaps as parameters (kubernetes/kubernetes#130887).
    """
    names: Schema = {"type": "array", "items": {"type": "string", "minLength": 1}}
    spec = {
        "type": "object",
        "description": "What is left out restricts nothing.",
        "properties": {
            "namespaces": {**names, "description": "The namespaces that this is for; default: all."},
            "template": {
                "type": "string",
                "enum": ["Anyone", "ByRight"],
                "description": "Who may use spec.template: anyone, or who may use mapreducejobs/template.",
            },
            "secrets": {**names, "description": "What s3.secretName may be; * at the end stands for any ending."},
            "outputs": {
                **names,
                "description": "Prefixes at or below which spec.output may be, with {namespace}.",
            },
        },
    }
    schema = {
        "type": "object",
        "description": "What jobs may say: parameters of the policy for jobs.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
        },
    }
    return _crd(POLICY_KIND, POLICY_PLURAL, [], schema, scope="Cluster")


def structural(schema: Mapping[str, Any]) -> Schema:
    """Return the part of a JSON Schema that an API server supports."""
    if "oneOf" in schema or "type" not in schema:
        kept: Schema = dict(ANYTHING)
        if "description" in schema:
            kept["description"] = schema["description"]
        return kept
    kept = {name: value for name, value in schema.items() if name in KEPT or name.startswith(KUBERNETES)}
    if "properties" in schema:
        kept["properties"] = {name: structural(inner) for name, inner in schema["properties"].items()}
    if "items" in schema:
        kept["items"] = structural(schema["items"])
    if isinstance(schema.get("additionalProperties"), Mapping):
        kept["additionalProperties"] = structural(schema["additionalProperties"])
    return kept


def _spec_rules() -> list[Schema]:
    return [
        {
            "rule": "has(self.inputs) || has(self.inputsFrom)",
            "message": "inputs is missing: list the files, globs or URLs to read, or give inputsFrom",
        },
        {
            "rule": "!has(oldSelf.retry) || (has(self.retry) && self.retry >= oldSelf.retry)",
            "message": "retry can only be raised",
        },
    ]


def _status() -> Schema:
    condition = {
        "type": "object",
        "required": ["type", "status"],
        "properties": {
            "type": {"type": "string"},
            "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
            "reason": {"type": "string"},
            "message": {"type": "string"},
            "lastTransitionTime": {"type": "string", "format": "date-time"},
            "observedGeneration": {"type": "integer"},
        },
    }
    return {
        "type": "object",
        "description": "What became of the job. Written by the operator and the workers.",
        "x-kubernetes-preserve-unknown-fields": True,
        "properties": {
            "state": {
                "type": "string",
                "enum": [state.value for state in JobState],
            },
            "protocol": {
                "type": "integer",
                "minimum": 1,
                "description": "The version of what operator and workers write here; others leave the job alone.",
            },
            "turn": NUMBERS,
            "lanes": {
                "type": "object",
                "description": "What is closed and counted of each phase.",
                "x-kubernetes-map-type": "atomic",
                "x-kubernetes-preserve-unknown-fields": True,
            },
            "progress": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "conditions": {
                "type": "array",
                "items": condition,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
            },
        },
    }


def _crd(
    kind: str,
    plural: str,
    short: list[str],
    schema: Schema,
    *,
    columns: list[Schema] | None = None,
    subresources: Schema | None = None,
    scope: str = "Namespaced",
) -> dict[str, Any]:
    served: Schema = {"name": VERSION, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    if columns:
        served["additionalPrinterColumns"] = columns
    if subresources:
        served["subresources"] = subresources
    names: Schema = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    if short:
        names |= {"shortNames": short, "categories": ["all"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": scope, "names": names, "versions": [served]},
    }
