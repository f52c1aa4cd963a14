"""The template for the outputs of jobs that name none. Pure.

``s3://results`` means ``s3://results/{namespace}/{name}``, because two teams may give their jobs the same name.
"""

from __future__ import annotations

import re

from kubemr_shell.errors import UsageError

NAMESPACE, NAME = "{namespace}", "{name}"
"""The fields of a template."""
_FIELD = re.compile(r"[{}][^{}/]*[{}]?")
FORM = "write s3://BUCKET/PREFIX, with {namespace} and {name} where they belong, and a / between the two"
"""The advice in errors about the form of a template."""


def output_below(root: str, namespace: str, name: str) -> str:
    """Return the output of a job that names none, by the template ``root``."""
    return _whole(root).replace(NAMESPACE, namespace).replace(NAME, name)


def check_root(root: str) -> None:
    """Raise UsageError if a template gives no valid output, or the same output to several jobs."""
    if not root.startswith("s3://"):
        raise UsageError(f"--output-root {root}: must begin with s3://: {FORM}")
    unknown = [field for field in _FIELD.findall(root) if field not in (NAMESPACE, NAME)]
    if unknown:
        raise UsageError(f"--output-root {root}: {unknown[0]} is not a known field: {FORM}")
    whole = _whole(root)
    # Without a slash between them, {namespace}-{name} would be a-b-c for b-c in a and for c in a-b.
    between = re.split("[{}]namespace[{}]|[{}]name[{}]", whole)[1:-1]
    if NAMESPACE in whole and not all("/" in text for text in between):
        raise UsageError(f"--output-root {root}: two jobs could get the same output: {FORM}")


def _whole(root: str) -> str:
    """Return the template with the fields added that its author has left out."""
    below = root.rstrip("/")
    if NAME in below:
        return below
    return f"{below}/{NAME}" if NAMESPACE in below else f"{below}/{NAMESPACE}/{NAME}"
