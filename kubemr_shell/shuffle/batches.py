"""Which partitions a worker has fetched, or is fetching, so that each is fetched by one slot for all."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from kubemr_shell.shuffle.fetch import Fetched


@dataclass(slots=True, eq=False)
class Batch:
    """Partitions that one slot fetches together."""

    manifests: tuple[str, ...]
    left: set[int]
    """Those that no slot has taken."""
    awaited: set[int]
    """Those that a slot asks for."""
    done: threading.Event = field(default_factory=threading.Event)
    fetched: dict[int, Fetched] = field(default_factory=dict)


class Batches:
    """The batches of one worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batches: list[Batch] = []

    def join(
        self, manifests: tuple[str, ...], partition: int, others: Sequence[int], *, most: int
    ) -> tuple[Batch, bool]:
        """The batch that ``partition`` is in, and whether it is new and the caller's to fetch.

        A new one has up to ``most``: also the first of the ``others`` that no batch has. What was fetched for nobody is
        removed then: by other manifests, or what is not among the others, since its claim was lost.
        """
        with self._lock:
            for batch in self._batches:
                if batch.manifests == manifests and partition in batch.left:
                    batch.awaited.add(partition)
                    return batch, False
            for batch in list(self._batches):
                stale = batch.left - batch.awaited
                if batch.manifests == manifests:
                    stale -= set(others)
                self._drop(batch, stale)
            known = {number for batch in self._batches if batch.manifests == manifests for number in batch.left}
            new = [other for other in others if other not in known][: most - 1]
            batch = Batch(manifests=manifests, left={partition, *new}, awaited={partition})
            self._batches.append(batch)
            return batch, True

    def keep(self, batch: Batch, partitions: Iterable[int]) -> None:
        """Fetch only these; whoever waits for another one has to join again."""
        with self._lock:
            batch.left &= set(partitions)

    def end(self, batch: Batch, fetched: dict[int, Fetched]) -> None:
        """Let the slots have what was fetched; nothing, when it went wrong."""
        with self._lock:
            batch.fetched = fetched
            self._drop(batch, batch.left - fetched.keys())
            batch.done.set()

    def take(self, batch: Batch, partition: int) -> Fetched | None:
        """A partition of a batch that is done; the caller removes it. None: join again."""
        with self._lock:
            found = batch.fetched.pop(partition, None)
            self._drop(batch, {partition})
            return found

    def clear(self) -> None:
        with self._lock:
            for batch in list(self._batches):
                self._drop(batch, batch.left)

    def _drop(self, batch: Batch, partitions: Collection[int]) -> None:
        for partition in list(partitions):
            batch.left.discard(partition)
            if partition in batch.fetched:
                batch.fetched.pop(partition).remove()
        if not batch.left and batch in self._batches:
            self._batches.remove(batch)
