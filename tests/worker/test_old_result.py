"""Tests of an old result in the output, which may be removed, and of foreign files, which may not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubemr_shell.errors import StorageError
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.worker.old_result import OldResult, Result


def result(folder: Path, parts: tuple[str, ...] | None = ("part-00000",)) -> OldResult:
    return OldResult(storage=LocalStorage(), output=str(folder), uid="me", parts=parts)


@pytest.mark.parametrize(
    ("uid", "epoch", "is_old"),
    [
        ("another", 5, True),
        ("me", 0, True),
        ("me", 1, False),
        # A worker that sleeps through the end of its job must not remove a result that is newer than it knows.
        ("me", 2, False),
    ],
)
def test_what_is_older_than_the_epoch_that_publishes_is_in_the_way(
    tmp_path: Path, uid: str, epoch: int, is_old: bool
) -> None:
    (tmp_path / "_SUCCESS").write_text(json.dumps({"uid": uid, "epoch": epoch}))
    assert result(tmp_path).finished() == Result(uid=uid, epoch=epoch)
    assert result(tmp_path).stands(1) is is_old
    assert not result(tmp_path, parts=None).stands(1), "who replaces nothing removes nothing"
    assert result(tmp_path).is_finished(1) is ((uid, epoch) == ("me", 1))


def test_nothing_and_no_manifest_are_told_apart(tmp_path: Path) -> None:
    assert not result(tmp_path).stands(1)
    (tmp_path / "_SUCCESS").write_text("{}")
    with pytest.raises(StorageError, match="this file is not a result of kubemr-shell"):
        result(tmp_path).stands(1)
