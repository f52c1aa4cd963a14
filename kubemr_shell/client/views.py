"""Reads the state in a job's document. Any process in the pods of the job may have written this state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kubemr_shell.board.job_state import JobView, parse_job
from kubemr_shell.board.stores.documents import Document
from kubemr_shell.errors import KubemrError


def view_of(document: Document) -> JobView:
    """Return the state of a job. Raise KubemrError if it is not as workers and operator write it."""
    with status_errors_explained(str(document["metadata"]["name"])):
        return parse_job(document)


@contextmanager
def status_errors_explained(name: str) -> Iterator[None]:
    """Turn the errors of code that reads a status, which may hold anything, into a KubemrError."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise KubemrError(
            f"job {name}: its status is not as workers and operator write it ({type(error).__name__}: {error!s:.200}): "
            f"kubectl get mapreducejob {name} -o yaml shows it"
        ) from error
