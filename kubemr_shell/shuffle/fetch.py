"""The transfer of frames of map outputs from a storage to this machine.

A read covers exactly the needed ranges. Ranges that are neighbours share a read, and many reads run at the same time.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from kubemr_shell.engine import Source
from kubemr_shell.errors import MapOutputLost, ObjectNotFound
from kubemr_shell.shuffle.frames import DamagedFrame, Expander
from kubemr_shell.shuffle.map_manifest import MapRange
from kubemr_shell.shuffle.scratch_file import ScratchFile
from kubemr_shell.storage.interface import Storage
from kubemr_shell.waits.threads import Pool
from kubemr_shell.waits.waiter import Waiter

GAP_BYTES = 32 << 10
"""The largest gap between two ranges of one read: reading so many useless bytes costs less than another request."""
MOST_READ_BYTES = 4 << 20
"""The most bytes of one read."""
LEAST_READ_BYTES = 128 << 10
"""The most bytes of one read, if little memory is available."""
SHORT_BYTES = 128 << 10
"""The largest frame that is expanded in one step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A frame to fetch, and its partition."""

    partition: int
    place: MapRange

    @property
    def end(self) -> int:
        """Return the offset of the first byte after the frame."""
        return self.place.offset + self.place.length


@dataclass(slots=True)
class Fetched:
    """A partition on this machine. Call ``remove`` when it is merged."""

    file: ScratchFile
    places: dict[int, tuple[MapRange, Source]] = field(default_factory=dict)
    """The frame in the storage and its expanded bytes in the file, by map task."""

    @property
    def sources(self) -> list[Source]:
        """Return the sources in the order of the map tasks."""
        return [source for _, (_, source) in sorted(self.places.items())]

    def origin(self, offset: int) -> MapRange | None:
        """Return the frame that has the byte at ``offset`` of the file."""
        found = sorted(self.places.values(), key=lambda item: item[1].offset)
        index = bisect_right(found, offset, key=lambda item: item[1].offset) - 1
        return found[index][0] if index >= 0 else None

    def remove(self) -> None:
        """Remove the file."""
        self.file.remove()


class Fetcher:
    """A fetcher of partitions. Its thread pool is shared by several slots."""

    def __init__(
        self,
        storage: Storage,
        pool: Pool,
        *,
        uri: Callable[[MapRange], str],
        new_file: Callable[[int], ScratchFile],
        memory_bytes: int,
    ) -> None:
        """Make a fetcher. ``uri`` returns the object of a map attempt; ``new_file`` makes a file for a partition."""
        self._storage = storage
        self._pool = pool
        self._uri = uri
        self._new_file = new_file
        # A read is in memory once, and the storage may hold it twice more while it joins the pieces of an answer.
        self._read_bytes = max(LEAST_READ_BYTES, min(MOST_READ_BYTES, memory_bytes // (3 * pool.threads)))
        self._lock = threading.Lock()

    def fetch(self, places: Mapping[int, Sequence[MapRange]], cancel: int) -> dict[int, Fetched]:
        """Fetch the partitions with these ranges, each to a file of its own.

        Raise MapOutputLost if a map output is missing or damaged. Raise Cancelled soon after ``cancel`` becomes
        readable.
        """
        fetched: dict[int, Fetched] = {}
        wanted = [Wanted(partition=partition, place=place) for partition, ranges in places.items() for place in ranges]
        try:
            for partition in places:
                fetched[partition] = Fetched(self._new_file(partition))
            works = groups(wanted, self._read_bytes)
            self._pool.map(lambda group, _: self._fetch(group, fetched), works, Waiter(cancel))
        except BaseException:
            for half in fetched.values():
                half.remove()
            raise
        return fetched

    def _fetch(self, group: list[Wanted], fetched: Mapping[int, Fetched]) -> None:
        """Read neighbours together. A long frame is expanded while it is read."""
        expander = Expander()
        start, end = group[0].place.offset, group[-1].end
        pieces = self._pieces(group[0].place, start, end)
        if len(group) == 1:
            self._expand(expander, group[0], pieces, fetched)
            return
        data = b"".join(pieces)
        for wanted in group:
            frame = data[wanted.place.offset - start : wanted.end - start]
            self._expand(expander, wanted, iter([frame]), fetched)

    def _expand(
        self, expander: Expander, wanted: Wanted, pieces: Iterator[bytes], fetched: Mapping[int, Fetched]
    ) -> None:
        partition = fetched[wanted.partition]
        try:
            first = next(pieces, b"")
            size = expander.size(first, wanted.place.length)
            begin = offset = partition.file.reserve(size)
            if size <= SHORT_BYTES and len(first) == wanted.place.length:
                partition.file.write_at(offset, expander.whole(first))
            else:
                for data in expander.pieces(size, chain([first], pieces)):
                    partition.file.write_at(offset, data)
                    offset += len(data)
        except DamagedFrame as error:
            raise self._lost(wanted.place, str(error)) from error
        source = Source(partition.file.path, begin, size)
        with self._lock:
            partition.places[wanted.place.task] = (wanted.place, source)

    def _pieces(self, place: MapRange, start: int, end: int) -> Iterator[bytes]:
        uri = self._uri(place)
        while start < end:
            stop = min(start + self._read_bytes, end)
            try:
                data = self._storage.read_range(uri, start, stop)
            except ObjectNotFound as error:
                raise self._lost(place, f"the map output is gone ({error})") from error
            if len(data) != stop - start:
                raise self._lost(place, f"the map output ends at byte {start + len(data)}")
            yield data
            start = stop

    def _lost(self, place: MapRange, reason: str) -> MapOutputLost:
        return lost_output(self._uri(place), place, reason)


def lost_output(uri: str, place: MapRange, reason: str) -> MapOutputLost:
    """Return the error for a map output at ``uri`` whose range ``place`` cannot be read."""
    return MapOutputLost(place.task, place.attempt, f"{uri}: byte {place.offset}: {reason}")


def groups(wanted: Iterable[Wanted], read_bytes: int) -> Iterator[list[Wanted]]:
    """Yield the groups of frames to read together: neighbours in one object, up to ``read_bytes``.

    A longer frame is alone in its group.
    """
    group: list[Wanted] = []
    for item in sorted(wanted, key=lambda item: (item.place.task, item.place.attempt, item.place.offset)):
        if group and not _is_near(group, item, read_bytes):
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def _is_near(group: list[Wanted], item: Wanted, read_bytes: int) -> bool:
    last = group[-1]
    return (
        (last.place.task, last.place.attempt) == (item.place.task, item.place.attempt)
        and item.place.offset - last.end <= GAP_BYTES
        and item.end - group[0].place.offset <= read_bytes
    )
