"""The documentation pages that are generated from the code: the fields of a job, and its states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field
from enum import StrEnum
from typing import Any

from kubemr_shell.job.kinds import API_VERSION, JOB_KIND
from kubemr_shell.job.mappings import DataclassShape, default_of
from kubemr_shell.job.report import below
from kubemr_shell.job.shape import Shape
from kubemr_shell.job.spec import SPEC
from kubemr_shell.job.state import JOB_TRANSITIONS, TASK_TRANSITIONS
from kubemr_shell.job.validate import LONGEST_NAME, LONGEST_PREFIX

GENERATED = "<!-- Written by `make generate` from the code: change it there. -->"


def job_spec_page() -> str:
    """Return the page that lists every field of the spec with its type, default and description."""
    rows = "\n".join(_row(path, field, shape) for path, field, shape in _fields(SPEC, ""))
    return f"""{GENERATED}

# The fields of a job

A job is a YAML document of four fields:

| field | value |
|---|---|
| `apiVersion` | `{API_VERSION}` |
| `kind` | `{JOB_KIND}` |
| `metadata` | `name` (lower-case letters, digits and `-`, at most {LONGEST_NAME} characters) or `generateName` (the \
beginning of the name, at most {LONGEST_PREFIX} characters); `namespace`, `labels` and `annotations` as in Kubernetes |
| `spec` | the fields below |

`kubemr-shell validate JOB.yaml` lists everything that is wrong with a job. Editors that support JSON Schema complete
and check the YAML with [protocol/job.schema.json](../protocol/job.schema.json). An unknown field is an error, and so is
a field without a value.

YAML does not read every word without quotes as text: `true`, `false`, `yes`, `no`, `on` and `off` are booleans, `1` and
`12:30` are numbers. If you mean text, use quotes.

## `spec`

| field | type | default | |
|---|---|---|---|
{rows}

Write bytes as in Kubernetes: a number, and `Ki`, `Mi`, `Gi`, `Ti` (powers of 1024) or `k`, `M`, `G`,
`T` (powers of 1000).
"""


def states_page() -> str:
    """Return the page with the states of a job and of a task, as diagrams of the transition tables."""
    jobs = "\n".join(_arrows(JOB_TRANSITIONS))
    tasks = "\n".join(_arrows(TASK_TRANSITIONS))
    return f"""{GENERATED}

# States

The diagrams show all legal transitions. The code refuses every other transition. The board refuses it too, because
each write tests the state that it changes.

## A job

```mermaid
stateDiagram-v2
{jobs}
```

From `PUBLISH` on, parts may be visible. So a job in this state can neither fail nor be cancelled. It can only continue.

## A task

```mermaid
stateDiagram-v2
{tasks}
```
"""


def _fields(mapping: DataclassShape, path: str) -> Iterator[tuple[str, Field[Any], Shape]]:
    """Yield all fields with their paths. A field that is a mapping is replaced by the fields of the mapping."""
    for name, field in mapping.fields.items():
        shape = mapping.shapes[name]
        if isinstance(shape, DataclassShape):
            yield from _fields(shape, below(path, name))
        else:
            yield below(path, name), field, shape


def _row(path: str, field: Field[Any], shape: Shape) -> str:
    return f"| `{path}` | {shape.words()} | {_default(field, shape)} | {field.metadata['description']} |"


def _default(field: Field[Any], shape: Shape) -> str:
    default = default_of(field)
    if default in (MISSING, None, (), {}):
        unset: str = field.metadata["unset"]
        return unset
    plain = shape.plain(default)
    return {True: "true", False: "false"}[plain] if isinstance(plain, bool) else f"`{_printable(plain)}`"


def _printable(value: object) -> str:
    return '"\\t"' if value == "\t" else str(value)


def _arrows(transitions: Mapping[Any, Mapping[Any, StrEnum]]) -> Iterator[str]:
    """Yield one line for each arrow. The first and the last states have arrows from and to ``[*]``."""
    if None not in transitions:
        yield f"    [*] --> {next(iter(transitions))}"
    for state, row in transitions.items():
        for event, target in row.items():
            yield f"    {state or '[*]'} --> {target}: {event}"
        if not row:
            yield f"    {state} --> [*]"
