"""What errors of a job say at their end: how it goes on, which only the place where it runs knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kubemr_shell.errors import KubemrError, Sequel


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOn:
    """How a user of this place has a job go on."""

    goes_on: str
    """What is done when the cause is mended; it follows ``then``."""
    begins_anew: str
    """What is done when nothing can be mended."""

    @contextmanager
    def said(self) -> Iterator[None]:
        """Errors that leave the block say it, if they ask for it and have not said it yet."""
        try:
            yield
        except KubemrError as error:
            match error.sequel:
                case Sequel.GOES_ON:
                    error.args = (f"{error}, then {self.goes_on}",)
                case Sequel.BEGINS_ANEW:
                    error.args = (f"{error}: {self.begins_anew}",)
            error.sequel = None
            raise
