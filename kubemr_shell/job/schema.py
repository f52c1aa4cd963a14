"""The JSON Schema of a job's document, for editors and for what is generated from it."""

from __future__ import annotations

from typing import Any

from kubemr_shell.job.kinds import JOB_KIND
from kubemr_shell.job.validate import DOCUMENT


def json_schema() -> dict[str, Any]:
    """What ``load_job`` accepts, as JSON Schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": JOB_KIND,
        "description": "A MapReduce job of kubemr-shell.",
        **DOCUMENT.schema(),
    }
