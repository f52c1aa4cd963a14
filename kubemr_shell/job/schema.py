"""The JSON Schema of a job's document, for editors and for generated files."""

from __future__ import annotations

from typing import Any

from kubemr_shell.job.kinds import JOB_KIND
from kubemr_shell.job.validate import DOCUMENT


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the documents that ``load_job`` accepts."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": JOB_KIND,
        "description": "A MapReduce job of kubemr-shell.",
        **DOCUMENT.schema(),
    }
