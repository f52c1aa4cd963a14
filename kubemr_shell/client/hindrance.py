"""The hindrance of a job, and the advice for it. Pure."""

from __future__ import annotations

from kubemr_shell.board.stores.documents import Document
from kubemr_shell.client.views import view_of
from kubemr_shell.kube.status import STARTING, Condition, condition
from kubemr_shell.screens.figures import one_line

MOST_CHARACTERS = 1000
"""The most characters of a condition that are shown."""


def hindrance_of(document: Document) -> str:
    """Return the reason why workers do not run, unless it is expected to pass by itself. Empty: no such reason."""
    workers = condition_text(document, Condition.WORKERS_READY, status="False")
    return condition_text(document, Condition.SUSPENDED) or ("" if workers.startswith(f"{STARTING}:") else workers)


def way_out(document: Document, flags: str) -> str:
    """Return the advice for a job with a hindrance. ``flags`` are those that reach the cluster."""
    name = document["metadata"]["name"]
    if view_of(document).publishing:
        return "it continues by itself when this is fixed; it cannot be cancelled while its results are being published"
    return (
        "it continues by itself as soon as it can; to run it with a corrected YAML instead: "
        f"kubemr-shell cancel {name}{flags} && kubemr-shell retry {name} -f JOB.yaml{flags}"
    )


def condition_text(document: Document, kind: str, *, status: str = "True") -> str:
    """Return the reason and the message of a condition that has the given status, or an empty text."""
    found = condition(document, kind)
    if found is None or found["status"] != status:
        return ""
    return one_line(f"{found.get('reason')}: {found.get('message', '')}", MOST_CHARACTERS)
