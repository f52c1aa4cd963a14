"""Map outputs in a remote storage: one object for each attempt, from which workers fetch partitions.

From a million map x reduce cells, a request for each cell would cost more than the bytes of the cell. Then a worker
fetches all partitions of its claim together, because they are neighbours in every map output.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from kubemr_shell import engine
from kubemr_shell.board.steps import Attempt
from kubemr_shell.errors import CorruptRun, FolderRemoved, MapOutputLost, ObjectNotFound, Sequel
from kubemr_shell.job import names
from kubemr_shell.shuffle.batches import Batch, Batches
from kubemr_shell.shuffle.fetch import Fetched, Fetcher, lost_output
from kubemr_shell.shuffle.frames import Frames
from kubemr_shell.shuffle.lengths import Lengths
from kubemr_shell.shuffle.manifests import Found, Manifests
from kubemr_shell.shuffle.map_manifest import MapRange
from kubemr_shell.shuffle.map_outputs import Gathering, MapOutputs, write_run
from kubemr_shell.shuffle.scratch_file import ScratchFile, open_unnamed
from kubemr_shell.storage.interface import Storage
from kubemr_shell.waits.threads import Pool
from kubemr_shell.waits.waiter import Waiter

IN_FLIGHT = 16
"""The most requests of one worker at the same time."""
PUT_BYTES = 16 << 20
"""The largest map output that is sent by one request, in bytes."""
CELLS = 1_000_000
"""The map x reduce cells of a job from which partitions are fetched in batches."""
PARTITIONS_A_BATCH = 64
"""The most partitions of a batch."""
PLACES_A_BATCH = 1 << 17
"""The most frames of a batch."""
BYTES_A_BATCH = 256 << 20
"""The most compressed bytes of a batch."""
LOOK_SECONDS = 0.02
"""The seconds between two checks whether another slot has fetched a partition."""


class RemoteMapOutputs(MapOutputs):
    """Map outputs below the URI ``folder``. ``scratch`` is a local folder of the worker."""

    def __init__(
        self,
        storage: Storage,
        folder: str,
        *,
        scratch: str,
        memory_bytes: int,
        size: Callable[[], tuple[int, int]],
        claimed: Callable[[], Iterable[int]],
        batched_from: int = CELLS,
    ) -> None:
        """Make the map outputs of a job for one worker.

        ``memory_bytes`` is the share of a slot. ``size`` returns the numbers of map tasks and of partitions.
        ``claimed`` returns the partitions that the worker reduces now or next. If the shuffle has at least
        ``batched_from`` cells, these partitions are fetched together.
        """
        self._storage = storage
        self._folder = folder
        self._scratch = scratch
        self._put_bytes = min(PUT_BYTES, memory_bytes // 8)
        self._pool = Pool(IN_FLIGHT)
        self._manifests = Manifests(storage, self._pool)
        self._fetcher = Fetcher(
            storage, self._pool, uri=self.uri_of, new_file=self._new_file, memory_bytes=memory_bytes // 2
        )
        self._batches = Batches()
        self._size = size
        self._batched_from = batched_from
        self._claimed = claimed
        self._asked: set[int] = set()
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def write(self, attempt: Attempt, collector: engine.Collector) -> tuple[engine.OutputFacts, Lengths]:
        path = f"{self._scratch}/{names.attempt_name(*attempt)}.run"
        descriptor = open_unnamed(path)
        try:
            facts = write_run(collector, descriptor, path)
            frames = Frames(descriptor, facts.lengths)
            self._send(self._uri(*attempt), iter(frames))
        except ObjectNotFound as error:  # the bucket, or the upload
            raise FolderRemoved(self._folder, sequel=Sequel.BEGINS_ANEW) from error
        finally:
            os.close(descriptor)
        return facts, frames.lengths

    def gather(self, manifests: Sequence[str], partition: int) -> Gathering:
        return _Fetching(self, tuple(manifests), partition)

    def together(self) -> int:
        return partitions_a_batch(*self._size(), self._batched_from)

    def close(self) -> None:
        self._pool.close()
        self._batches.clear()

    def join(self, manifests: tuple[str, ...], partition: int) -> tuple[Batch, bool]:
        """Return the batch of the partition, and True if the caller has to fetch the batch."""
        most = self.together()
        with self._lock:  # the first slot also fetches for the slots that ask next
            claimed = set(self._claimed()) if most > 1 else set()
            self._asked = self._asked & claimed | {partition}  # a lost claim may come again
            others = neighbours(partition, claimed - self._asked)
            return self._batches.join(manifests, partition, others, most=most)

    def fetch(self, batch: Batch, partition: int, cancel: int) -> None:
        """Fetch the partitions of a batch for all slots that wait for them."""
        fetched: dict[int, Fetched] = {}
        try:
            wanted = sorted(batch.left)
            found = self._manifests.ranges(batch.manifests, wanted, cancel)
            places = {number: found[number] for number in up_to_bytes(found, partition, BYTES_A_BATCH)}
            self._batches.keep(batch, places)
            fetched = self._fetcher.fetch(places, cancel)
        finally:
            self._batches.end(batch, fetched)

    def take(self, batch: Batch, partition: int) -> Fetched | None:
        """Return a partition of a batch that has ended, or None if the slot has to join again."""
        return self._batches.take(batch, partition)

    def uri_of(self, place: MapRange) -> str:
        """Return the URI of the object that contains a range."""
        return self._uri(place.task, place.attempt)

    def _uri(self, task: int, attempt: int) -> str:
        return f"{self._folder}/{names.attempt_name(task, attempt)}"

    def _new_file(self, partition: int) -> ScratchFile:
        return ScratchFile(f"{self._scratch}/{partition}.{next(self._numbers)}.fetched")

    def _send(self, uri: str, pieces: Iterator[bytes]) -> None:
        """Send a map output: by one request if it is small, else in parts while it is compressed."""
        begin = bytearray()
        for piece in pieces:
            begin += piece
            if len(begin) > self._put_bytes:
                break
        else:
            self._storage.write(uri, begin)
            return
        staged = self._storage.stage(f"{uri}.sent", target=uri, scratch=self._scratch)
        try:
            staged.write(begin)
            del begin
            for piece in pieces:
                staged.write(piece)
            self._storage.publish(staged.seal())
        except BaseException:
            staged.abandon()
            raise


class _Fetching(Gathering):
    def __init__(self, outputs: RemoteMapOutputs, manifests: tuple[str, ...], partition: int) -> None:
        self._outputs = outputs
        self._manifests = manifests
        self._partition = partition
        self._fetched: Fetched | None = None

    def sources(self, cancel: int) -> list[engine.Source]:
        waiter = Waiter(cancel)
        while self._fetched is None:
            batch, is_ours = self._outputs.join(self._manifests, self._partition)
            if is_ours:
                self._outputs.fetch(batch, self._partition, cancel)
            while not batch.done.wait(LOOK_SECONDS):
                waiter.check()
            self._fetched = self._outputs.take(batch, self._partition)
        return self._fetched.sources

    def lost_output(self, error: CorruptRun | ObjectNotFound) -> MapOutputLost | None:
        fetched = self._fetched
        if fetched is None or not isinstance(error, CorruptRun) or error.path != fetched.file.path:
            return None
        place = fetched.origin(error.offset)
        return lost_output(self._outputs.uri_of(place), place, error.reason) if place else None

    def close(self) -> None:
        if self._fetched is not None:
            self._fetched.remove()


def partitions_a_batch(maps: int, partitions: int, batched_from: int) -> int:
    """Return the number of partitions that are fetched together: one, unless the shuffle has many cells."""
    if maps * partitions < batched_from:
        return 1
    return max(1, min(PARTITIONS_A_BATCH, PLACES_A_BATCH // max(1, maps)))


def neighbours(partition: int, others: Iterable[int]) -> list[int]:
    """Return the other partitions, the nearest to ``partition`` first."""
    return sorted(set(others) - {partition}, key=lambda other: (abs(other - partition), other))


def up_to_bytes(found: Found, partition: int, most: int) -> list[int]:
    """Return the partition and as many neighbours as fit into ``most`` bytes with it, in ascending order."""
    size = 0
    kept: list[int] = []
    for number in [partition, *neighbours(partition, found)]:
        size += sum(place.length for place in found[number])
        if kept and size > most:
            break
        kept.append(number)
    return sorted(kept)
