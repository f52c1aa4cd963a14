"""Reads and writes of the store, repeated until their result is known.

If the answer to a write is lost, the same bytes are sent again until the patch lands or a test fails. After a failed
test, the document is read afresh and the caller decides again, because its first copy may have landed. If the store
does not answer within the budget, BoardUnavailable is raised. If the store refuses a request, the request is repeated
as ``waits.refusals`` says. A refused creation is not repeated: the caller waits, and can do other work meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, TypeVar

from kubemr_shell.board.stores.documents import Document, DocumentStore, Operation
from kubemr_shell.errors import BoardUnavailable, Conflict, Forbidden, KubemrError
from kubemr_shell.waits.refusals import Refusals

T = TypeVar("T")

Decide = Callable[[Document], Sequence[Operation]]
"""A function from the present document to the wanted patch, which is empty if there is nothing to do."""

FIRST_PAUSE = 0.1
"""Half of the longest pause after a first failure, in seconds. Each further failure doubles it."""
LONGEST_PAUSE = 15.0
"""The longest pause between two tries, in seconds, without the time that the store asks for."""
SHORT_PAUSES = 3
"""The number of conflicts that are followed by a short pause: a multiple of the time of an answer."""
LONGEST_SHORT_PAUSE = 2.0
"""The longest pause after one of these conflicts, in seconds."""


class Writer:
    """The access of one worker to a store.

    ``unreachable`` is called each time that the store did not answer, or refused a request.
    """

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
        """Return the smoothed time of an answer of the store, in seconds; 0 before the first answer."""
        return self._seconds

    def read(self, kind: str, name: str, *, fresh: bool) -> Document:
        """Return a document, as ``DocumentStore.get`` does."""
        return self._until_answered(lambda: self._store.get(kind, name, fresh=fresh))

    def create(self, document: Mapping[str, Any]) -> Document:
        """Create a document. Raise Forbidden at once if the creation is refused.

        AlreadyExists may mean that an earlier copy of this very request has landed. A Conflict does not mean that the
        document exists: for example, another request changed a quota at the same time. So the creation is repeated.
        """

        def create() -> Document:
            try:
                return self._store.create(document)
            except Conflict as error:
                raise BoardUnavailable(str(error)) from error

        return self._until_answered(create, waits_when_refused=False)

    def write(self, kind: str, name: str, decide: Decide, *, known: Document | None = None) -> Document:
        """Patch a document by ``decide``, and return it. ``known``: the last known document; without it, read first."""
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
                else:  # without a random pause, the same workers would conflict again
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
        """Wait the seconds that the store ``asked`` for, and a random time whose limit doubles with each try."""
        pause = asked + self._random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries, 10)))
        if self._clock() + pause > deadline:
            message = f"the board did not accept the request within {self._give_up_seconds:g} s: {error}"
            raise BoardUnavailable(message, sequel=error.sequel) from error
        self._sleep(pause)
