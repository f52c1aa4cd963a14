"""The conversion of a document to a Job, with a list of all problems, and of a JobSpec to a mapping.

No other module knows both the names of YAML and the names of the dataclasses.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from kubemr_shell.errors import InvalidSpec
from kubemr_shell.job.containers import TextMap
from kubemr_shell.job.kinds import API_VERSION, JOB_KIND
from kubemr_shell.job.mappings import NeedsOneOf, Object, yaml_name
from kubemr_shell.job.report import Report, below
from kubemr_shell.job.shape import Constant, Shape
from kubemr_shell.job.spec import SPEC, Job, JobSpec
from kubemr_shell.job.texts import LINE_END, Text

SERVER_FIELDS = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
)
"""The fields that an API server adds to metadata. A document that was read from a cluster is valid too."""
LONGEST_NAME = 52
"""The most characters of a job's name. Names of pods and shards contain it, and may have 63 characters."""
LONGEST_PREFIX = LONGEST_NAME - 5
"""The most characters of generateName. Kubernetes appends five characters."""
MOST_SPEC_BYTES = 1 << 20
"""The most bytes of a spec as JSON. The spec and the state of the job are one document of at most 1.5 MiB."""
_LETTERS = "must be lower-case letters, digits and -, with a letter or digit first"
_WHOLE_NAME = (r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", f"{_LETTERS} and last")

# The shapes of a document, as a user writes it.
METADATA = Object(
    {
        "name": Text(longest=LONGEST_NAME, pattern=_WHOLE_NAME, refused=LINE_END),
        "generateName": Text(longest=LONGEST_PREFIX, pattern=(r"^[a-z0-9][-a-z0-9]*$", _LETTERS), refused=LINE_END),
        "namespace": Text(longest=63, pattern=_WHOLE_NAME, refused=LINE_END),
        "labels": TextMap(),
        "annotations": TextMap(),
    },
    ignored=SERVER_FIELDS,
    rules=(NeedsOneOf(("name", "generateName"), "is missing: write a name, or generateName: word-count-"),),
)
DOCUMENT = Object(
    {"apiVersion": Constant(API_VERSION), "kind": Constant(JOB_KIND), "metadata": METADATA, "spec": SPEC},
    required={
        "apiVersion": f"write apiVersion: {API_VERSION}",
        "kind": f"write kind: {JOB_KIND}",
        "metadata": "write the job's name, or generateName, in it",
        "spec": "write at least inputs in it",
    },
    ignored=("status",),
)


def load_job(document: object, source: str, changes: Mapping[str, object] | None = None) -> Job:
    """Return the job of a document. Raise InvalidSpec with all problems.

    ``changes`` override the document's spec: values of YAML by the names of JobSpec. None removes a field.
    """
    report = Report(_homes)
    whole = _changed(document, changes or {})
    given = DOCUMENT.check(whole, "", report)
    _check_size(whole, report)
    _raise_problems(report, source)
    metadata = given["metadata"]
    return Job(
        spec=given["spec"],
        name=metadata.get("name"),
        generate_name=metadata.get("generateName"),
        namespace=metadata.get("namespace"),
        labels=metadata.get("labels", {}),
        annotations=metadata.get("annotations", {}),
    )


def spec_from_mapping(mapping: object) -> JobSpec:
    """Return the spec of a mapping with the names of YAML. Raise InvalidSpec with all problems."""
    report = Report(_homes)
    spec = SPEC.check(mapping, "spec", report)
    _raise_problems(report, "")
    assert isinstance(spec, JobSpec)
    return spec


def spec_to_mapping(spec: JobSpec) -> dict[str, Any]:
    """Return the mapping from which ``spec_from_mapping`` makes an equal spec. Defaults are left out."""
    mapping: dict[str, Any] = SPEC.plain(spec)
    return mapping


def _changed(document: object, changes: Mapping[str, object]) -> object:
    """Return the document with some fields of its spec replaced. None removes a field."""
    if not changes or not isinstance(document, Mapping):
        return document
    spec = document.get("spec", {})
    if not isinstance(spec, Mapping):
        return document
    named = {yaml_name(name): value for name, value in changes.items()}
    kept = {name: value for name, value in spec.items() if name not in named}
    return {**document, "spec": kept | {name: value for name, value in named.items() if value is not None}}


def _check_size(document: object, report: Report) -> None:
    """Add a problem for a spec that leaves no room in its document for the state of the job."""
    if report.problems:
        return
    assert isinstance(document, Mapping)
    size = len(json.dumps(document["spec"], separators=(",", ":"), default=str))
    if size > MOST_SPEC_BYTES:
        report.add(
            "spec",
            f"has {size:,} bytes as JSON, and may have {MOST_SPEC_BYTES:,}: write long lists of inputs to a file, one "
            "input a line, and name that file in inputsFrom; put large data into files",
        )


def _raise_problems(report: Report, source: str) -> None:
    if report.problems:
        raise InvalidSpec(report.problems, source)


def _homes() -> dict[str, str]:
    """Return the path of each field, by its name."""
    return dict(reversed(list(_paths(DOCUMENT, ""))))


def _paths(shape: Shape, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(shape, Object):
        for name, inner in shape.shapes.items():
            yield name, below(path, name)
            yield from _paths(inner, below(path, name))
