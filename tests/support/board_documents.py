"""Documents with all the states that they ever had, so that old ones can be read and each change be checked."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from threading import Event
from typing import Any

from kubemr_shell.board.stores import json_patch
from kubemr_shell.board.stores.documents import ChangeType, Document, Documents, DocumentStore, Operation
from kubemr_shell.errors import AlreadyExists, BoardError, BoardUnavailable, DocumentNotFound, UnknownAnswer

Change = Callable[[str, Document | None, Document], None]
"""Kind, the state before (None when it is made) and after."""


class NotAsked(DocumentStore):
    """The board of a worker gets, creates and patches; it needs nothing else of a store."""

    def list(self, kind: str, *, job: str | None = None) -> Documents:
        raise NotImplementedError

    def delete(self, kind: str, name: str) -> None:
        raise NotImplementedError

    def watch(
        self, kind: str, *, since: str | None = None, seconds: float = 60.0, stop: Event | None = None
    ) -> Iterator[tuple[ChangeType, Document]]:
        raise NotImplementedError


class History(NotAsked):
    """``is_ignored`` says which test operations are left out: a planted bug."""

    def __init__(self, changed: Change, is_ignored: Callable[[Operation], bool]) -> None:
        self.in_flight: list[Callable[[], object]] = []
        self._changed = changed
        self._is_ignored = is_ignored
        self._versions: dict[tuple[str, str], list[Document]] = {}

    def get(self, kind: str, name: str, *, fresh: bool = True, age: int = 0) -> Document:
        """``age`` is how many states back; before the first one it was not found."""
        versions = self._versions.get((kind, name), [])
        if len(versions) <= age:
            raise DocumentNotFound(name)
        return versions[-1 - age]

    def create(self, document: Mapping[str, Any]) -> Document:
        key = (document["kind"], document["metadata"]["name"])
        if key in self._versions:
            raise AlreadyExists(key[1])
        stored = copy.deepcopy(dict(document))
        stored["metadata"] = {"uid": f"uid-{len(self._versions)}", "resourceVersion": "1", **stored["metadata"]}
        self._versions[key] = [stored]
        self._changed(key[0], None, stored)
        return stored

    def patch(self, kind: str, name: str, operations: Sequence[Operation]) -> Document:
        before = self.get(kind, name)
        kept = [item for item in operations if not (item["op"] == "test" and self._is_ignored(item))]
        after = json_patch.apply(before, kept)
        if after != before:
            after["metadata"] = {**after["metadata"], "resourceVersion": str(len(self._versions[kind, name]) + 1)}
            self._versions[kind, name].append(after)
            self._changed(kind, before, after)
        return after

    def refuse(self, call: Callable[[], object], error: BoardUnavailable) -> None:
        """The call does not get through; raises what its caller sees of that."""
        raise error

    def lose_answer(self, write: Callable[[], object]) -> None:
        """The write gets through, and nobody hears of it."""
        write()
        raise UnknownAnswer("lost")

    def deliver(self, index: int, *, again: bool) -> None:
        """A write that was under way arrives, when nobody waits for its answer; ``again``: and will come once more."""
        write = self.in_flight[index] if again else self.in_flight.pop(index)
        with suppress(BoardError, BoardUnavailable):
            write()

    def all(self, kind: str) -> Documents:
        return [versions[-1] for (of_kind, _), versions in self._versions.items() if of_kind == kind]
