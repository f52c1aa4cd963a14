"""Map outputs in place and in a storage: what comes out, what is asked of the storage, and what is lost."""

from __future__ import annotations

import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from kubemr_shell import engine
from kubemr_shell.board.steps import Attempt
from kubemr_shell.errors import CorruptRun, FolderRemoved, MapOutputLost, ObjectNotFound, Sequel
from kubemr_shell.shuffle import fetch, remote_map_outputs
from kubemr_shell.shuffle.lengths import Lengths, ranges
from kubemr_shell.shuffle.manifests import Manifests
from kubemr_shell.shuffle.map_manifest import MapRange, encode_map_manifest
from kubemr_shell.shuffle.map_outputs import LocalMapOutputs, MapOutputs
from kubemr_shell.shuffle.remote_map_outputs import RemoteMapOutputs, neighbours, partitions_a_batch, up_to_bytes
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.waiter import NOBODY, Cancelled
from tests.support.waiting import PATIENCE_SECONDS

PARTITIONS = 4
MEMORY = 32 << 20


class Watched(LocalStorage):
    """A folder that notes what is read of it."""

    def __init__(self) -> None:
        self.reads: list[tuple[str, int, int]] = []
        self.gate: Callable[[], object] = lambda: None

    def read_range(self, uri: str, start: int, end: int) -> bytes:
        self.reads.append((os.path.basename(uri), start, end))
        self.gate()
        return super().read_range(uri, start, end)

    def map_reads(self) -> Counter[str]:
        return Counter(name for name, _, _ in self.reads if not name.endswith(".manifest"))


class Shuffle:
    """Some map tasks with their lines, and what has become of them."""

    def __init__(self, folder: Path, partitions: int = PARTITIONS) -> None:
        self.storage = Watched()
        self.folder = folder
        self.partitions = partitions
        self.claimed: list[int] = []
        self.manifest = str(folder / "journal" / "map-00000.0.manifest")
        self.lengths: dict[int, Lengths] = {}
        self.lines: list[bytes] = []
        for name in ("map", "journal", "scratch"):
            (folder / name).mkdir()

    def local(self) -> MapOutputs:
        return LocalMapOutputs(Manifests(self.storage), str(self.folder / "map"))

    def remote(self, *, memory_bytes: int = MEMORY, batched_from: int = 1 << 60) -> MapOutputs:
        return RemoteMapOutputs(
            self.storage,
            str(self.folder / "map"),
            scratch=str(self.folder / "scratch"),
            memory_bytes=memory_bytes,
            size=lambda: (len(self.lengths), self.partitions),
            claimed=lambda: self.claimed,
            batched_from=batched_from,
        )

    def map(self, outputs: MapOutputs, tasks: Sequence[Sequence[bytes]]) -> None:
        """Carry out map tasks that wrote these lines; then their shard is closed."""
        for task, lines in enumerate(tasks):
            self.map_one(outputs, task, lines)
        self.close_shard()

    def map_one(self, outputs: MapOutputs, task: int, lines: Sequence[bytes]) -> None:
        with closing(self.collector()) as collector:
            reading, writing = os.pipe()
            writer = threading.Thread(target=self._write, args=(writing, lines))
            writer.start()
            collector.drain(reading, NOBODY)
            writer.join()
            os.close(reading)
            facts, self.lengths[task] = outputs.write(Attempt(task, 0), collector)
        assert facts.records == len(lines)
        self.lines += lines

    def close_shard(self) -> None:
        lengths = [self.lengths[task] for task in sorted(self.lengths)]
        Path(self.manifest).write_bytes(encode_map_manifest(0, [0] * len(lengths), lengths))
        self.storage.reads.clear()

    def place(self, task: int, partition: int) -> tuple[int, int]:
        """Offset and length of a partition in a map output."""
        return list(ranges(self.lengths[task]))[partition]

    def collector(self) -> engine.Collector:
        return engine.Collector(
            partitions=self.partitions,
            separator=b"\t",
            key_fields=1,
            memory_bytes=MEMORY,
            max_record_bytes=MEMORY // 4,
            spill_dir=str(self.folder / "scratch"),
        )

    def expected(self, partition: int) -> bytes:
        mine = [line for line in self.lines if engine.partition_of(line.split(b"\t")[0], self.partitions) == partition]
        return b"".join(line + b"\n" for line in sorted(mine, key=lambda line: line.partition(b"\t")))

    def reduced(self, outputs: MapOutputs, partition: int, cancel: int = NOBODY) -> bytes:
        gathering = outputs.gather([self.manifest], partition)
        fed = self.folder / f"fed.{partition}"
        try:
            sources = gathering.sources(cancel)
            merger = engine.Merger(sources, memory_bytes=MEMORY, scratch_dir=str(self.folder / "scratch"))
            with fed.open("wb") as file:
                try:
                    merger.feed(file.fileno(), NOBODY)
                except (CorruptRun, ObjectNotFound) as error:
                    if (lost := gathering.lost_output(error)) is not None:
                        raise lost from error
                    raise
        finally:
            gathering.close()
        return fed.read_bytes()

    def object(self, task: int) -> Path:
        return self.folder / "map" / f"{task}.0"

    def scratch(self) -> list[str]:
        return os.listdir(self.folder / "scratch")

    @staticmethod
    def _write(descriptor: int, lines: Sequence[bytes]) -> None:
        with open(descriptor, "wb") as file:
            file.writelines(line + b"\n" for line in lines)


@pytest.fixture
def shuffle(tmp_path: Path) -> Shuffle:
    return Shuffle(tmp_path)


@pytest.fixture(params=["local", "remote"])
def outputs(request: pytest.FixtureRequest, shuffle: Shuffle) -> Iterator[MapOutputs]:
    with closing(getattr(shuffle, request.param)()) as outputs:
        yield outputs


@pytest.fixture
def remote(shuffle: Shuffle) -> Iterator[MapOutputs]:
    with closing(shuffle.remote()) as outputs:
        yield outputs


def words(task: int, count: int = 300) -> list[bytes]:
    return [b"word%d\t%d" % (number * number % 61, task) for number in range(count)]


def test_each_partition_has_the_lines_of_all_tasks_in_order(shuffle: Shuffle, outputs: MapOutputs) -> None:
    shuffle.map(outputs, [words(task) for task in range(7)])
    for partition in range(PARTITIONS):
        assert shuffle.reduced(outputs, partition) == shuffle.expected(partition)
    assert shuffle.scratch() == []


def test_a_shuffle_of_nothing_gives_nothing(shuffle: Shuffle, outputs: MapOutputs) -> None:
    shuffle.map(outputs, [[], []])
    assert [shuffle.reduced(outputs, partition) for partition in range(PARTITIONS)] == [b""] * PARTITIONS


def test_nothing_revives_a_job_whose_folder_is_gone(shuffle: Shuffle, outputs: MapOutputs) -> None:
    (shuffle.folder / "map").rmdir()
    with pytest.raises(FolderRemoved, match=f"^{shuffle.folder}/map was removed") as error:
        shuffle.map_one(outputs, 0, words(0))
    assert error.value.sequel is Sequel.BEGINS_ANEW


def test_scratch_files_have_no_names_that_a_command_could_remove(shuffle: Shuffle, remote: MapOutputs) -> None:
    shuffle.map(remote, [words(task) for task in range(3)])
    with closing(remote.gather([shuffle.manifest], 0)) as gathering:
        assert gathering.sources(NOBODY)
        assert shuffle.scratch() == []


def test_a_scratch_folder_that_is_gone_is_named(shuffle: Shuffle, remote: MapOutputs) -> None:
    (shuffle.folder / "scratch").rmdir()
    with pytest.raises(FolderRemoved, match=f"^{shuffle.folder}/scratch was removed") as error:
        shuffle.map_one(remote, 0, words(0))
    assert error.value.sequel is Sequel.GOES_ON


def test_the_object_is_compressed(shuffle: Shuffle, remote: MapOutputs) -> None:
    shuffle.map(remote, [[b"%05d\tthe same value again and again" % number for number in range(2000)]])
    assert shuffle.object(0).stat().st_size < len(b"".join(shuffle.lines)) // 3


def test_a_long_map_output_is_sent_in_parts(shuffle: Shuffle) -> None:
    lines = [os.urandom(500).hex().encode() for _ in range(4000)]
    with closing(shuffle.remote(memory_bytes=1 << 20)) as outputs:
        shuffle.map(outputs, [lines])
        assert [shuffle.reduced(outputs, partition) for partition in range(PARTITIONS)] == [
            shuffle.expected(partition) for partition in range(PARTITIONS)
        ]
    assert shuffle.object(0).stat().st_size > 1 << 20
    assert [path.name for path in (shuffle.folder / "map").iterdir()] == ["0.0"]


def test_only_the_bytes_of_the_partition_are_read_and_of_tasks_that_have_some(
    shuffle: Shuffle, remote: MapOutputs
) -> None:
    keys = [b"k%d" % number for number in range(100)]
    in_two = [key for key in keys if engine.partition_of(key, PARTITIONS) == 2]
    others = [key for key in keys if engine.partition_of(key, PARTITIONS) != 2]
    shuffle.map(remote, [keys, others, in_two, []])
    assert shuffle.reduced(remote, 2) == shuffle.expected(2)
    reads = [read for read in shuffle.storage.reads if not read[0].endswith(".manifest")]
    places = {f"{task}.0": shuffle.place(task, 2) for task in (0, 2)}
    assert sorted(reads) == [(name, offset, offset + length) for name, (offset, length) in sorted(places.items())]


def test_a_partition_longer_than_a_read_comes_in_several(shuffle: Shuffle) -> None:
    with closing(shuffle.remote(memory_bytes=1 << 20)) as outputs:
        shuffle.map(outputs, [[os.urandom(500).hex().encode() for _ in range(4000)] for _ in range(2)])
        assert shuffle.reduced(outputs, 1) == shuffle.expected(1)
    longest = max(end - start for name, start, end in shuffle.storage.reads if name == "0.0")
    assert longest == fetch.LEAST_READ_BYTES
    assert shuffle.storage.map_reads()["0.0"] > 2


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x20
    path.write_bytes(data)


@pytest.mark.parametrize(
    "harm", ["deleted", "cut", "first byte", "last byte", "middle", "size"], ids=lambda harm: harm.replace(" ", "-")
)
def test_a_lost_or_harmed_object_names_its_map_attempt(shuffle: Shuffle, remote: MapOutputs, harm: str) -> None:
    shuffle.map(remote, [words(task) for task in range(3)])
    offset, length = shuffle.place(1, 2)
    path = shuffle.object(1)
    match harm:
        case "deleted":
            path.unlink()
        case "cut":
            path.write_bytes(path.read_bytes()[: offset + length - 1])
        case "first byte":
            flip(path, offset)
        case "last byte":
            flip(path, offset + length - 1)
        case "middle":
            flip(path, offset + length // 2)
        case "size":  # a number of eight bytes, no file can be as long as it says
            data = bytearray(path.read_bytes())
            data[offset + 4] |= 0xC0
            at = offset + (5 if data[offset + 4] & 0x20 else 6)  # without or with a window descriptor (RFC 8878)
            data[at : at + 8] = (1 << 62).to_bytes(8, "little")
            path.write_bytes(data)
    with pytest.raises(MapOutputLost, match=f"^{path}: byte {offset}: ") as error:
        shuffle.reduced(remote, 2)
    assert (error.value.task, error.value.attempt) == (1, 0)
    assert shuffle.scratch() == []
    if harm != "deleted":
        assert shuffle.reduced(remote, 0) == shuffle.expected(0), "the harm is in another partition"


@pytest.mark.parametrize("folder", ["out", "12:30", "map/1.2:x", "two\nlines"])
@pytest.mark.parametrize("content", [None, b"no block"])
def test_a_lost_or_harmed_file_names_its_map_attempt(tmp_path: Path, folder: str, content: bytes | None) -> None:
    (tmp_path / folder).mkdir(parents=True)
    shuffle = Shuffle(tmp_path / folder)
    shuffle.map(shuffle.local(), [words(task) for task in range(3)])
    shuffle.object(1).unlink()
    if content is not None:
        shuffle.object(1).write_bytes(content)
    with pytest.raises(MapOutputLost) as error:
        shuffle.reduced(shuffle.local(), 2)
    assert (error.value.task, error.value.attempt) == (1, 0)
    assert str(error.value).startswith(f"{shuffle.object(1)}: ")


def test_an_error_about_another_file_is_no_lost_map_output(shuffle: Shuffle) -> None:
    shuffle.map(shuffle.local(), [words(0)])
    gathering = shuffle.local().gather([shuffle.manifest], 2)
    gathering.sources(NOBODY)
    assert gathering.lost_output(CorruptRun("/spill", 5, "a wrong checksum")) is None
    assert gathering.lost_output(ObjectNotFound("/out/map/17.3: it is gone")) is None


def test_what_the_merge_finds_is_blamed_on_the_object_it_came_from(shuffle: Shuffle, remote: MapOutputs) -> None:
    """A map task that wrote a bad block, as on a disk that lies: its frame is whole, the block in it is not."""
    shuffle.map(remote, [words(task) for task in range(4)])
    gathering = remote.gather([shuffle.manifest], 2)
    sources = gathering.sources(NOBODY)
    for task, source in enumerate(sources):
        damaged = CorruptRun(source.path, source.offset + source.length - 1, "a wrong checksum")
        lost = gathering.lost_output(damaged)
        assert lost is not None
        assert (lost.task, lost.attempt) == (task, 0)
        assert re.fullmatch(rf"{shuffle.object(task)}: byte \d+: a wrong checksum", str(lost))
    assert gathering.lost_output(CorruptRun("/spill", 5, "a wrong checksum")) is None
    assert gathering.lost_output(ObjectNotFound("/spill: it is gone")) is None
    gathering.close()


def test_a_cancelled_reducer_does_not_wait_for_the_storage(shuffle: Shuffle, remote: MapOutputs) -> None:
    shuffle.map(remote, [words(task) for task in range(4)])
    cancel, gate = Flag(), threading.Event()

    def ask() -> None:
        cancel.set()
        gate.wait(PATIENCE_SECONDS)

    shuffle.storage.gate = ask
    with pytest.raises(Cancelled):
        shuffle.reduced(remote, 1, cancel.fd)
    shuffle.storage.gate = lambda: None
    gate.set()
    assert shuffle.reduced(remote, 1) == shuffle.expected(1)
    assert shuffle.scratch() == []
    cancel.close()


def test_partitions_of_one_worker_come_with_one_read_of_each_map_output(tmp_path: Path) -> None:
    """The shuffle has many cells. 5 of 20 partitions are claimed, and two slots ask for them at the same time."""
    shuffle = Shuffle(tmp_path, partitions=20)
    with closing(shuffle.remote(batched_from=40 * 20)) as outputs:
        shuffle.map(outputs, [words(task, 200) for task in range(40)])
        shuffle.claimed = [7, 8, 9, 10, 11]
        results: dict[int, bytes] = {}

        def slot(partitions: Sequence[int]) -> None:
            for partition in partitions:
                results[partition] = shuffle.reduced(outputs, partition)

        slots = [threading.Thread(target=slot, args=(numbers,)) for numbers in ([7, 8, 10], [9, 11])]
        for thread in slots:
            thread.start()
        for thread in slots:
            thread.join()
        assert results == {number: shuffle.expected(number) for number in range(7, 12)}
        assert set(shuffle.storage.map_reads().values()) == {1}
        assert shuffle.scratch() == []
        shuffle.claimed = []
        assert shuffle.reduced(outputs, 3) == shuffle.expected(3)


def test_a_small_shuffle_is_not_fetched_in_batches(shuffle: Shuffle) -> None:
    with closing(shuffle.remote(batched_from=10**6)) as outputs:
        shuffle.map(outputs, [words(task) for task in range(5)])
        shuffle.claimed = [1, 2, 3]
        shuffle.reduced(outputs, 0)
        assert shuffle.scratch() == []


@pytest.mark.parametrize(
    ("maps", "partitions", "expected"),
    [(1000, 999, 1), (1000, 1000, 64), (10_000, 100, 13), (1_000_000, 100_000, 1), (1, 1_000_000, 64)],
)
def test_how_many_partitions_come_together(maps: int, partitions: int, expected: int) -> None:
    assert partitions_a_batch(maps, partitions, remote_map_outputs.CELLS) == expected


def test_the_nearest_neighbours_are_taken_and_no_more_bytes_than_are_good() -> None:
    assert neighbours(10, [3, 12, 9, 11, 10, 40]) == [9, 11, 12, 3, 40]
    place = MapRange(task=0, attempt=0, offset=0, length=40)
    found = {number: [place, place] for number in (3, 4, 5, 6)}
    assert up_to_bytes(found, 4, 170) == [3, 4]
    assert up_to_bytes(found, 4, 1) == [4]
    assert up_to_bytes(found, 4, 10**6) == [3, 4, 5, 6]
