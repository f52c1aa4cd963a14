"""Tests of the plan in chunks: every task gets its split, and each chunk needs little memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.errors import CorruptRun
from kubemr_shell.job.split import Piece, Split
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.worker.checked import with_checksum
from kubemr_shell.worker.splits import PIECES_A_CHUNK, SPLITS_A_CHUNK, PlannedSplits, chunked, write_splits
from kubemr_shell.worker.workspace import Workspace


def split(task: int, pieces: int) -> Split:
    return Split(
        pieces=tuple(
            Piece(uri=f"in/{task}/{number}", start=0, end=5, size=5, codec="none", fingerprint="f")
            for number in range(pieces)
        )
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "plan").mkdir()
    storage, folder = LocalStorage(), str(tmp_path)
    return Workspace(
        storage=storage,
        temporaries=folder,
        scratch=folder,
        logs=folder,
        output_storage=storage,
        output=f"{folder}/out",
        stage=f"{folder}/stage",
    )


def planned(workspace: Workspace) -> PlannedSplits:
    return PlannedSplits(workspace, lambda: "1")


@pytest.mark.lengthy
@pytest.mark.parametrize(("tasks", "pieces", "chunks"), [(1, 1, 1), (1000, 1, 1), (2001, 1, 3), (50, 1000, 13)])
def test_every_task_gets_its_split(workspace: Workspace, tasks: int, pieces: int, chunks: int) -> None:
    assert write_splits(workspace, "1", (split(task, pieces) for task in range(tasks))) == tasks
    assert len(list(Path(workspace.temporaries, "plan").iterdir())) == chunks
    for task in {0, tasks // 2, tasks - 1}:
        assert planned(workspace).of_task(task) == split(task, pieces)
    assert list(planned(workspace)) == [split(task, pieces) for task in range(tasks)]


def test_a_plan_of_nothing_has_no_chunk(workspace: Workspace) -> None:
    assert write_splits(workspace, "1", iter([])) == 0
    assert list(Path(workspace.temporaries, "plan").iterdir()) == []


@given(st.lists(st.integers(1, 2 * PIECES_A_CHUNK), max_size=30), st.integers(0, 2500))
def test_chunks_are_short_whatever_a_split_holds(pieces: list[int], small: int) -> None:
    """A split of many pieces that would make a chunk too long gets its own chunk."""
    one = split(0, 1).pieces
    splits = [Split(pieces=one * count) for count in [*pieces, *[1] * small]]
    chunks = list(chunked(splits))
    assert [item for chunk in chunks for item in chunk] == splits
    for chunk in chunks:
        assert 1 <= len(chunk) <= SPLITS_A_CHUNK
        assert len(chunk) == 1 or sum(len(item.pieces) for item in chunk) <= PIECES_A_CHUNK


def test_a_plan_of_an_older_version_is_refused_as_such(workspace: Workspace) -> None:
    old = with_checksum(split(0, 1).to_json().encode())
    Path(workspace.temporaries, "plan", "1.splits-00000.jsonl").write_bytes(old)
    with pytest.raises(CorruptRun, match="an older version wrote the plan: start the job again"):
        planned(workspace).of_task(0)
