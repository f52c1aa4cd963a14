"""The advice at the end of an error message: how to continue the job. It depends on the place where the job runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kubemr_shell.errors import KubemrError, Sequel


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The advice how to continue a job in one place, such as a local run or a cluster."""

    to_continue: str
    """The text for an error whose cause the user can correct. The text follows ``then``."""
    to_start_again: str
    """The text for an error after which the job has to start again."""

    @contextmanager
    def added_to_errors(self) -> Iterator[None]:
        """Add the advice to an error that leaves the ``with`` block, if it has a ``Sequel`` and no advice yet."""
        try:
            yield
        except KubemrError as error:
            match error.sequel:
                case Sequel.GOES_ON:
                    error.args = (f"{error}, then {self.to_continue}",)
                case Sequel.BEGINS_ANEW:
                    error.args = (f"{error}: {self.to_start_again}",)
            error.sequel = None
            raise
