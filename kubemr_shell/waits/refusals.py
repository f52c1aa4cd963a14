"""The time for which a worker repeats requests that a server refuses or does not answer, for a reason that may pass.

Credentials may be replaced while a job runs. A new permission reaches the caches of a server after some seconds. A
quota is full until other work ends. A server gives the same answer if a permission is missing for good. So a refused
request is repeated with growing pauses, and the refusals are reported. They become an error only if they last.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from kubemr_shell.errors import (
    CredentialsRefused,
    Forbidden,
    NamespaceTerminating,
    Sequel,
    StorageUnavailable,
    Unavailable,
)
from kubemr_shell.waits.retry import pause_seconds

REFUSED_SECONDS = 900.0
"""The seconds for which a worker in a cluster repeats refused requests.

A rotation of credentials takes less time, and many full quotas have room again earlier.
"""
FIRST_PAUSE_SECONDS = 1.0
"""The pause after the first refusal."""
LONGEST_PAUSE_SECONDS = 15.0
"""The longest pause between two requests, unless the caller gives another one."""
TOLD_FROM = 3
"""The number of refusals in a row from which they are reported. A cache that is out of date causes fewer."""
ADVICE = "give the permission, renew the credentials, or raise the quota"
"""The advice in messages about refused requests."""


def _ignore(text: str | None) -> None:
    """Ignore the report."""


class Refusals:
    """The consecutive refusals of one kind of request of one worker."""

    def __init__(
        self,
        *,
        budget_seconds: float,
        clock: Callable[[], float],
        random: Random,
        longest_pause: float = LONGEST_PAUSE_SECONDS,
        tell: Callable[[str | None], object] = _ignore,
    ) -> None:
        """Begin without refusals.

        Refusals may last for ``budget_seconds``; with 0, the first refusal is an error. From the refusal ``TOLD_FROM``
        on, each refusal calls ``tell`` with a text. When a request is accepted again, ``tell`` is called with None.
        """
        self._budget_seconds = budget_seconds
        self._clock = clock
        self._random = random
        self._longest_pause = longest_pause
        self._tell = tell
        self._tries = 0
        self._began = 0.0

    def met(self, error: Forbidden | Unavailable) -> float:
        """Record a refusal. Return the seconds to wait before the next try; raise the error if the budget is used up.

        NamespaceTerminating does not pass by itself, so it is raised at once.
        """
        if not self._budget_seconds or isinstance(error, NamespaceTerminating):
            raise error
        now = self._clock()
        if not self._tries:
            self._began = now
        pause = pause_seconds(self._tries, first=FIRST_PAUSE_SECONDS, longest=self._longest_pause, random=self._random)
        self._tries += 1
        if now + pause > self._began + self._budget_seconds:
            raise _lasting(error, now - self._began) from error
        if self._tries >= TOLD_FROM:
            self._tell(f"{_what(error)}, trying again for up to {self._budget_seconds:.0f} s: {_said(error)}")
        return pause

    def passed(self) -> None:
        """Record that a request of this kind was not refused."""
        if self._tries >= TOLD_FROM:
            self._tell(None)
        self._tries = 0


def _lasting(error: Forbidden | Unavailable, seconds: float) -> Forbidden | StorageUnavailable:
    text = f"{_what(error)} for {seconds:.0f} s: {_said(error)}"
    if isinstance(error, Forbidden):
        return Forbidden(text, sequel=Sequel.GOES_ON)
    return StorageUnavailable(text, sequel=Sequel.GOES_ON)


def _what(error: Forbidden | Unavailable) -> str:
    return "refused" if isinstance(error, Forbidden) else "not reached"


def _said(error: Forbidden | Unavailable) -> str:
    """Return the text of the error, with advice unless the error already contains it, as errors of S3 do."""
    is_of_store = isinstance(error, CredentialsRefused | Unavailable)
    return str(error) if is_of_store else f"{error}: {ADVICE}"
