import os
from contextlib import suppress
from pathlib import Path

from kubemr_shell.shuffle.batches import Batch, Batches
from kubemr_shell.shuffle.fetch import Fetched
from kubemr_shell.shuffle.scratch_file import ScratchFile

EPOCH = ("map-00000.0.manifest",)
LATER = ("map-00000.1.manifest",)


def fetched(folder: Path, *partitions: int) -> dict[int, Fetched]:
    return {number: Fetched(ScratchFile(str(folder / str(number)))) for number in partitions}


def open_files(folder: Path) -> list[str]:
    """The names of the scratch files below the folder that are open: they have none any more but in /proc."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            path = Path(os.readlink(descriptor).removesuffix(" (deleted)"))
            found += [path.name] if path.parent == folder else []
    return sorted(found)


def new(batches: Batches, partition: int, *others: int, manifests: tuple[str, ...] = EPOCH, most: int = 9) -> Batch:
    batch, is_ours = batches.join(manifests, partition, others, most=most)
    assert is_ours
    return batch


def test_a_batch_is_fetched_by_one_and_taken_by_each(tmp_path: Path) -> None:
    batches = Batches()
    batch = new(batches, 3, 4, 5)
    assert batches.join(EPOCH, 4, [5], most=9) == (batch, False)
    batches.end(batch, fetched(tmp_path, 3, 4, 5))
    assert batch.done.is_set()
    for number in (3, 4):
        taken = batches.take(batch, number)
        assert taken is not None
        taken.remove()
    assert open_files(tmp_path) == ["5"]
    assert new(batches, 3).left == {3}, "a second attempt has to fetch it again"


def test_what_another_batch_has_is_not_fetched_twice() -> None:
    batches = Batches()
    new(batches, 3, 4, 5)
    assert new(batches, 6, 4, 5, 7).left == {6, 7}
    assert new(batches, 8, 4, 5, 9, 10, 11, most=3).left == {8, 9, 10}


def test_those_who_wait_for_a_failed_batch_begin_anew(tmp_path: Path) -> None:
    batches = Batches()
    batch = new(batches, 3, 4)
    batches.join(EPOCH, 4, [], most=9)
    batches.end(batch, {})
    assert batches.take(batch, 4) is None
    assert new(batches, 4).left == {4}


def test_a_partition_that_was_left_out_is_fetched_by_who_waits_for_it(tmp_path: Path) -> None:
    batches = Batches()
    batch = new(batches, 3, 4, 5)
    batches.keep(batch, [3, 4])
    batches.end(batch, fetched(tmp_path, 3, 4))
    assert batches.take(batch, 5) is None
    assert new(batches, 5).left == {5}


def test_what_nobody_wants_any_more_is_removed_but_not_what_somebody_waits_for(tmp_path: Path) -> None:
    batches = Batches()
    batch = new(batches, 3, 4, 5, 6)
    batches.join(EPOCH, 4, [5, 6], most=9)
    batches.end(batch, fetched(tmp_path, 3, 4, 5, 6))
    new(batches, 9, 6)
    assert open_files(tmp_path) == ["3", "4", "6"], "5 was given back; 3 and 4 are awaited, 6 waits for a slot"


def test_other_manifests_are_another_shuffle(tmp_path: Path) -> None:
    batches = Batches()
    batch = new(batches, 3, 4)
    batches.end(batch, fetched(tmp_path, 3, 4))
    assert new(batches, 4, manifests=LATER) is not batch
    assert open_files(tmp_path) == ["3"]
    batches.clear()
    assert open_files(tmp_path) == []
