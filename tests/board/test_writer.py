"""Tests of writes whose answers are lost: each write has a known result in the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest

from kubemr_shell.board.stores.documents import Document, Operation
from kubemr_shell.board.stores.json_patch import replace
from kubemr_shell.board.stores.json_patch import test as expect
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.board.writer import Writer
from kubemr_shell.errors import BoardUnavailable, UnknownAnswer
from kubemr_shell.waits.refusals import Refusals


class Lossy(SqliteStore):
    """A store that loses answers. Each item of ``losses`` says whether the write landed."""

    losses: list[bool]
    sent: list[Sequence[Operation]]

    def patch(self, kind: str, name: str, operations: Sequence[Operation]) -> Document:
        self.sent.append(operations)
        if not self.losses:
            return super().patch(kind, name, operations)
        if self.losses.pop(0):
            super().patch(kind, name, operations)
        raise UnknownAnswer("lost")


class Desk:
    def __init__(self, path: Path, losses: list[bool]) -> None:
        self.now = 0.0
        self.unreachable = 0
        self.store = Lossy(str(path / "board.db"))
        self.store.losses, self.store.sent = losses, []
        self.store.create({"kind": "K", "metadata": {"name": "n"}, "value": 0})
        self.writer = Writer(
            self.store,
            give_up_seconds=60.0,
            clock=lambda: self.now,
            sleep=self.sleep,
            random=Random(1),
            unreachable=self.count,
            refusals=Refusals(budget_seconds=0, clock=lambda: self.now, random=Random(1)),
        )

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def count(self) -> None:
        self.unreachable += 1

    def raise_once(self) -> Document:
        """Return a decision that raises the first count by one, and does nothing once this is done."""
        return self.writer.write("K", "n", lambda d: [] if d["value"] else [expect("/value", 0), replace("/value", 1)])


@pytest.mark.parametrize(
    ("losses", "sent"), [([], 1), ([True], 2), ([False], 2), ([False, True], 3), ([True, False, False], 4)]
)
def test_lands_once_however_often_it_is_sent(tmp_path: Path, losses: list[bool], sent: int) -> None:
    desk = Desk(tmp_path, list(losses))
    assert desk.raise_once()["value"] == 1
    assert len(desk.store.sent) == sent
    assert desk.unreachable == len(losses)
    assert all(operations is desk.store.sent[0] for operations in desk.store.sent), "the same bytes each time"


def test_gives_up_in_the_end_and_says_how_long_it_tried(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [False] * 1000)
    with pytest.raises(BoardUnavailable, match="within 60 s: lost"):
        desk.raise_once()
    assert 30 < desk.now <= 60
    assert desk.store.losses, "it stopped before they were used up"


def test_decides_again_after_a_conflict(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [])
    old = desk.store.get("K", "n")
    desk.store.patch("K", "n", [replace("/value", 5)])
    decide: Callable[[Document], list[Operation]] = lambda d: [  # noqa: E731
        expect("/value", d["value"]),
        replace("/value", d["value"] + 1),
    ]
    assert desk.writer.write("K", "n", decide, known=old)["value"] == 6


def test_endless_conflicts_end(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [])
    with pytest.raises(BoardUnavailable, match="expected 77"):
        desk.writer.write("K", "n", lambda _: [expect("/value", 77), replace("/value", 78)])
