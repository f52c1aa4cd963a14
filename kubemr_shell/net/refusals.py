"""How long a worker goes on asking a server that refuses it, or is away, for a reason which may pass by itself.

Credentials are replaced while a job runs, a new right reaches the caches of a server after some seconds, and a quota is
full until others have ended. The servers answer in the same way when a right is missing for good. So a refused request
is made again with growing pauses, the trouble is told, and it is an error only when it lasts.
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
from kubemr_shell.net.retry import pause_seconds

REFUSED_SECONDS = 900.0
"""How long a worker of a cluster goes on: longer than a rotation of credentials takes, and many a quota is full."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 15.0
TOLD_FROM = 3
"""The refusal in a row from which on it is told: what a cache that is behind causes is over before that."""
ADVICE = "give the right, renew the credentials, or raise the quota"


def _told_to_nobody(text: str | None) -> None:
    """Drop what is told."""


class Refusals:
    """The refusals in a row that one worker has met with one kind of request."""

    def __init__(
        self,
        *,
        budget_seconds: float,
        clock: Callable[[], float],
        random: Random,
        longest_pause: float = LONGEST_PAUSE_SECONDS,
        tell: Callable[[str | None], object] = _told_to_nobody,
    ) -> None:
        """``budget_seconds`` is how long refusals may last; with 0 the first one is an error.

        ``tell`` is called with a text, again and again, once the refusals do not pass at once. When they have passed it
        is called with None.
        """
        self._budget_seconds = budget_seconds
        self._clock = clock
        self._random = random
        self._longest_pause = longest_pause
        self._tell = tell
        self._tries = 0
        self._began = 0.0

    def met(self, error: Forbidden | Unavailable) -> float:
        """Return the seconds until the request is to be made again; raise the error when it has lasted."""
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
            self._tell(f"{_what(error)}, and asked again for up to {self._budget_seconds:.0f} s: {_said(error)}")
        return pause

    def passed(self) -> None:
        """Take note that a request of that kind was not refused."""
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
    """Errors of the object store say themselves what to do."""
    is_of_store = isinstance(error, CredentialsRefused | Unavailable)
    return str(error) if is_of_store else f"{error}: {ADVICE}"
