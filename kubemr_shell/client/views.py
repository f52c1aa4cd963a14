"""The state in a job's document, which its workers write, and with them whatever runs in their pods."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kubemr_shell.board.documents import Document
from kubemr_shell.board.job_view import JobView, parse_job
from kubemr_shell.errors import KubemrError


def view_of(document: Document) -> JobView:
    """KubemrError when it is not as workers and operator write it."""
    with readable(str(document["metadata"]["name"])):
        return parse_job(document)


@contextmanager
def readable(name: str) -> Iterator[None]:
    """While a status is looked at that may hold anything."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise KubemrError(
            f"job {name}: its status is not as workers and operator write it ({type(error).__name__}: {error!s:.200}): "
            f"kubectl get mapreducejob {name} -o yaml shows it"
        ) from error
