"""The ranges of partitions in all map outputs, from the manifests of the shards, in task order."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from kubemr_shell.shuffle.map_manifest import MapManifest, MapRange
from kubemr_shell.storage.interface import Storage
from kubemr_shell.storage.required_files import job_files_required
from kubemr_shell.waits.threads import Pool
from kubemr_shell.waits.waiter import NOBODY, Waiter

KEPT_BYTES = 16 << 20
"""The most bytes of manifests that a worker keeps in memory. The content of a manifest never changes."""

Found = dict[int, list[MapRange]]
"""The ranges of each partition, by the number of the partition."""


class Manifests:
    """A reader of manifests for all slots of a worker. With a ``pool``, it reads many manifests at the same time."""

    def __init__(self, storage: Storage, pool: Pool | None = None) -> None:
        self._storage = storage
        self._pool = pool
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, MapManifest] = OrderedDict()
        self._kept_bytes = 0

    def ranges(self, uris: Sequence[str], partitions: Sequence[int], cancel: int = NOBODY) -> Found:
        """Return the non-empty ranges of each partition.

        ``partitions`` are in ascending order. Partitions that are neighbours are read together.
        """

        def read(uri: str) -> Found:
            with job_files_required():
                manifest, found = self._manifest(uri), Found()
                for first, last in stretches(partitions):
                    found.update(zip(range(first, last + 1), manifest.ranges(first, last), strict=True))
            return found

        if self._pool is None:
            found = [read(uri) for uri in uris]
        else:
            found = self._pool.map(lambda uri, _: read(uri), uris, Waiter(cancel))
        return {partition: [place for shard in found for place in shard[partition]] for partition in partitions}

    def _manifest(self, uri: str) -> MapManifest:
        with self._lock:
            if uri in self._kept:
                self._kept.move_to_end(uri)
                return self._kept[uri]
        manifest = MapManifest(lambda start, end: self._storage.read_range(uri, start, end), uri)
        with self._lock:
            if uri not in self._kept:
                self._kept[uri] = manifest
                self._kept_bytes += manifest.kept_bytes
            while self._kept_bytes > KEPT_BYTES:
                self._kept_bytes -= self._kept.popitem(last=False)[1].kept_bytes
        return manifest


def stretches(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last number of each sequence of successive numbers."""
    first = last = None
    for number in numbers:
        if last is not None and number == last + 1:
            last = number
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = number
    if first is not None and last is not None:
        yield first, last
