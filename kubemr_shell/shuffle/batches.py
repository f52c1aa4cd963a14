"""The partitions that a worker fetches, so that one slot fetches each partition for all slots."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from kubemr_shell.shuffle.fetch import Fetched


@dataclass(slots=True, eq=False)
class Batch:
    """A set of partitions that one slot fetches together."""

    manifests: tuple[str, ...]
    left: set[int]
    """The partitions that no slot has taken yet."""
    awaited: set[int]
    """The partitions for which a slot waits."""
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
        """Return the batch of ``partition``, and True if the batch is new and the caller has to fetch it.

        ``others`` are the claimed partitions that no slot has asked for yet. A new batch has up to ``most``
        partitions: this one, and the first of the ``others`` that are in no batch of the same manifests. Before a new
        batch is made, partitions that no slot waits for are removed if their batch has other manifests, or if they
        are not in ``others``. The claims of such partitions were lost.
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
        """Reduce a batch to these partitions. A slot that waits for another partition has to join again."""
        with self._lock:
            batch.left &= set(partitions)

    def end(self, batch: Batch, fetched: dict[int, Fetched]) -> None:
        """End a batch and give its fetched partitions to the slots. After a failure, ``fetched`` is empty."""
        with self._lock:
            batch.fetched = fetched
            self._drop(batch, batch.left - fetched.keys())
            batch.done.set()

    def take(self, batch: Batch, partition: int) -> Fetched | None:
        """Return a partition of a batch that has ended, or None if the slot has to join again.

        The caller removes the partition when it is merged.
        """
        with self._lock:
            found = batch.fetched.pop(partition, None)
            self._drop(batch, {partition})
            return found

    def clear(self) -> None:
        """Remove all partitions."""
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
