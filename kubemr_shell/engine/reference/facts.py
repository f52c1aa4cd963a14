"""The values that the engine takes and returns: ranges to merge, and facts about outputs and fed lines."""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """A range of whole blocks of one partition in a run file. ``offset`` and ``length`` are in bytes."""

    path: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """The facts about the lines that a command was given.

    ``end`` is ``complete``, ``closed`` (the command stopped reading early) or ``cancelled``. ``heaviest_key`` has the
    first 256 bytes of the key with the most records. If several keys have the most records, it is the first in order.
    """

    records: int
    raw_bytes: int
    keys: int
    heaviest_key: bytes
    heaviest_records: int
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFacts:
    """The facts about a run file that was written.

    ``partitions`` has (offset, stored bytes, records, raw bytes) for each partition. The list for 100,000 partitions
    takes 20 MB, so the native engine makes it only on demand.
    """

    records: int
    raw_bytes: int
    entries: int
    stored_bytes: int
    partitions: list[tuple[int, int, int, int]]

    @property
    def lengths(self) -> bytes:
        """Return the stored bytes of each partition, packed as little-endian u64."""
        return struct.pack(f"<{len(self.partitions)}Q", *(stored for _, stored, _, _ in self.partitions))
