"""What is in the way of a job, and what to do about it. Pure."""

from __future__ import annotations

from kubemr_shell.board.documents import Document
from kubemr_shell.client.views import view_of
from kubemr_shell.kube.status import STARTING, Condition, condition
from kubemr_shell.local_run.figures import one_line

MOST_CHARACTERS = 1000
"""Of what is said."""


def hindrance_of(document: Document) -> str:
    """What keeps workers from running that will not pass by itself; empty if nothing does."""
    workers = condition_text(document, Condition.WORKERS_READY, status="False")
    return condition_text(document, Condition.SUSPENDED) or ("" if workers.startswith(f"{STARTING}:") else workers)


def way_out(document: Document, flags: str) -> str:
    """What to do about what is in the way; ``flags`` are those that reach the cluster."""
    name = document["metadata"]["name"]
    if view_of(document).publishing:
        return "it goes on by itself once that is mended; it cannot be cancelled while its results are being published"
    return (
        "it goes on by itself as soon as it can; to run it under a mended YAML instead: "
        f"kubemr-shell cancel {name}{flags} && kubemr-shell retry {name} -f JOB.yaml{flags}"
    )


def condition_text(document: Document, kind: str, *, status: str = "True") -> str:
    """Reason and message of a condition, if it has that status."""
    found = condition(document, kind)
    if found is None or found["status"] != status:
        return ""
    return one_line(f"{found.get('reason')}: {found.get('message', '')}", MOST_CHARACTERS)
