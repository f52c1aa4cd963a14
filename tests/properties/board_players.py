"""Workers that stop at every call of the store, until the machine lets them go on, for as long as it likes.

Each player has a thread of its own, but only one thread runs at any moment: control goes over to the player and
comes back when it stands before its next call, or when it has nothing more to do. So a run is deterministic.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

from kubemr_shell.board.stores.documents import Document, Operation
from kubemr_shell.errors import BoardUnavailable, UnknownAnswer
from tests.support.board_documents import History, NotAsked

T = TypeVar("T")

Outcome: TypeAlias = Literal["answered", "down", "old", "lost before", "lost after", "lost, comes late", "comes twice"]
"""The fate of a call. A read has one of the first three, a write any but "old"."""


class Killed(BaseException):
    """The player's process is gone."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the store that a player is about to make."""

    what: str
    is_write: bool


class Player:
    """A thread that does one thing after the other, each from call to call."""

    def __init__(self) -> None:
        self.call: Call | None = None
        self.error: BaseException | None = None
        self._script: Callable[[], None] | None = None
        self._outcome: Outcome = "answered"
        self._age = 0
        self._killed = False
        self._to_player = threading.Semaphore(0)
        self._to_machine = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    @property
    def is_idle(self) -> bool:
        return self.call is None

    def begin(self, script: Callable[[], None]) -> None:
        """Run a script up to its first call, or its end."""
        assert self.is_idle
        self._script = script
        self._switch()

    def release(self, outcome: Outcome = "answered", age: int = 0) -> None:
        """Let the call happen and the script go on to the next one. ``age``: how old an old read is."""
        assert self.call is not None
        self._outcome, self._age = outcome, age
        self._switch()

    def kill(self) -> None:
        if not self.is_idle:
            self._killed = True
            self._switch()
            self._killed = False

    def end(self) -> None:
        self.kill()
        self._script = None
        self._to_player.release()
        self._thread.join()

    def wait_for_outcome(self, call: Call) -> tuple[Outcome, int]:
        """Called in the player's thread, before each call of the store."""
        self.call = call
        self._to_machine.release()
        self._to_player.acquire()
        self.call = None
        if self._killed:
            raise Killed
        return self._outcome, self._age

    def _switch(self) -> None:
        self._to_player.release()
        self._to_machine.acquire()
        if self.error is not None:
            error, self.error = self.error, None
            raise error

    def _play(self) -> None:
        while True:
            self._to_player.acquire()
            if self._script is None:
                return
            try:
                self._script()
            except Killed:
                pass
            except BaseException as error:  # noqa: BLE001 - the machine raises it in its own thread
                self.error = error
            self._to_machine.release()


class PlayersStore(NotAsked):
    """The store as one player reaches it: each call waits for its outcome."""

    def __init__(self, player: Player, history: History) -> None:
        self._player = player
        self._history = history

    def get(self, kind: str, name: str, *, fresh: bool = True) -> Document:
        outcome, age = self._player.wait_for_outcome(Call(f"get {name}", is_write=False))
        if outcome == "down":
            self._history.refuse(lambda: self._history.get(kind, name, fresh=fresh), BoardUnavailable("down"))
        return self._history.get(kind, name, age=age if outcome == "old" and not fresh else 0)

    def create(self, document: Mapping[str, Any]) -> Document:
        return self._write(f"create {document['metadata']['name']}", lambda: self._history.create(document))

    def patch(self, kind: str, name: str, operations: Sequence[Operation]) -> Document:
        return self._write(f"patch {name} {operations}", lambda: self._history.patch(kind, name, operations))

    def _write(self, what: str, write: Callable[[], T]) -> T:
        outcome, _ = self._player.wait_for_outcome(Call(what, is_write=True))
        if outcome in ("lost, comes late", "comes twice"):
            self._history.in_flight.append(write)
        if outcome in ("lost before", "lost, comes late", "down"):
            self._history.refuse(write, UnknownAnswer("lost"))
        if outcome == "lost after":
            self._history.lose_answer(write)
        return write()
