"""Writing to the store so that the caller always learns what became of it.

An answer that was lost is asked for again with the same bytes until it resolves: the patch lands, or a test fails.
After a failed test the document is read afresh and the caller decides again, for it may find that its first copy had
landed after all. A store that does not answer within the budget is BoardUnavailable. One that refuses is asked again as
``net.refusals`` says; but a refused creation is for the caller to wait for, which can do something else meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, TypeVar

from kubemr_shell.board.documents import Document, DocumentStore, Operation
from kubemr_shell.errors import BoardUnavailable, Conflict, Forbidden, KubemrError
from kubemr_shell.net.refusals import Refusals

T = TypeVar("T")

Decide = Callable[[Document], Sequence[Operation]]
"""From the document as it is to the patch that is wanted now; nothing when there is nothing to do any more."""

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 15.0
SHORT_PAUSES = 3
"""After the first conflicts, each some times as long as an answer takes."""
LONGEST_SHORT_PAUSE = 2.0


class Writer:
    """Reads and writes documents of one store. ``unreachable`` is called each time that the store did not answer."""

    def __init__(
        self,
        store: DocumentStore,
        *,
        give_up_seconds: float,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        random: Random,
        unreachable: Callable[[], None],
        refusals: Refusals,
    ) -> None:
        self._store = store
        self._give_up_seconds = give_up_seconds
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._unreachable = unreachable
        self._refusals = refusals
        self._seconds = 0.0

    @property
    def seconds(self) -> float:
        """How long the store takes to answer, smoothed; 0 before its first answer."""
        return self._seconds

    def read(self, kind: str, name: str, *, fresh: bool) -> Document:
        return self._until_answered(lambda: self._store.get(kind, name, fresh=fresh))

    def create(self, document: Mapping[str, Any]) -> Document:
        """Create a document, or raise Forbidden at once if that is refused.

        AlreadyExists may mean that an earlier copy of this very call has landed. A Conflict is no other document: a
        quota, for one, was changed by others at the same time.
        """

        def create() -> Document:
            try:
                return self._store.create(document)
            except Conflict as error:
                raise BoardUnavailable(str(error)) from error

        return self._until_answered(create, waits_when_refused=False)

    def write(self, kind: str, name: str, decide: Decide, *, known: Document | None = None) -> Document:
        """Patch a document as ``decide`` says; the document as it is then. ``known``: as it was last seen."""
        document = self.read(kind, name, fresh=True) if known is None else known
        deadline = self._clock() + self._give_up_seconds
        conflicts = 0
        while operations := decide(document):
            try:
                return self._patch(kind, name, operations)
            except Conflict as conflict:
                conflicts += 1
                if conflicts > SHORT_PAUSES:
                    self._pause(conflicts - SHORT_PAUSES, deadline, conflict)
                else:  # those who were in each other's way would be so again if none of them waited
                    self._sleep(self._random.uniform(0, min(LONGEST_SHORT_PAUSE, self._seconds * 4**conflicts)))
                document = self.read(kind, name, fresh=True)
        return document

    def _patch(self, kind: str, name: str, operations: Sequence[Operation]) -> Document:
        return self._until_answered(lambda: self._store.patch(kind, name, operations))

    def _until_answered(self, call: Callable[[], T], *, waits_when_refused: bool = True) -> T:
        deadline = self._clock() + self._give_up_seconds
        tries = 0
        while True:
            began = self._clock()
            try:
                answer = call()
                self._seconds = (self._seconds + self._clock() - began) / 2
                self._refusals.passed()
                return answer
            except BoardUnavailable as error:
                self._unreachable()
                tries += 1
                self._pause(tries, deadline, error, asked=error.retry_after)
            except Forbidden as error:
                if not waits_when_refused:
                    raise
                pause = self._refusals.met(error)
                self._unreachable()
                self._sleep(pause)
                deadline = self._clock() + self._give_up_seconds

    def _pause(self, tries: int, deadline: float, error: KubemrError, *, asked: float = 0.0) -> None:
        """Wait as long as the store ``asked`` for, and a random time, twice as long at most with each try."""
        pause = asked + self._random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries, 10)))
        if self._clock() + pause > deadline:
            message = f"the board did not take it within {self._give_up_seconds:g} s: {error}"
            raise BoardUnavailable(message, sequel=error.sequel) from error
        self._sleep(pause)
