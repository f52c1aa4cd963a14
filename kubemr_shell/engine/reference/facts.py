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
    """The facts about the lines that a command was given."""

    records: int
    """The number of lines."""
    raw_bytes: int
    """The bytes of the lines, newlines included."""
    keys: int
    """The number of distinct keys."""
    heaviest_key: bytes
    """The first 256 bytes of the key with the most records. Of several such keys, the first in order."""
    heaviest_records: int
    """The number of records with the heaviest key."""
    end: str
    """The end of the feed: ``complete``, ``closed`` (the command stopped reading early) or ``cancelled``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFacts:
    """The facts about a run file that was written."""

    records: int
    """The number of collected lines."""
    raw_bytes: int
    """The bytes of the collected lines, newlines included."""
    entries: int
    """The number of distinct lines."""
    stored_bytes: int
    """The bytes of all blocks in the file."""
    partitions: list[tuple[int, int, int, int]]
    """The offset, the stored bytes, the records and the raw bytes of each partition.

    The list for 100,000 partitions takes 20 MB, so the native engine makes it only on demand.
    """

    @property
    def lengths(self) -> bytes:
        """Return the stored bytes of each partition, packed as little-endian u64."""
        return struct.pack(f"<{len(self.partitions)}Q", *(stored for _, stored, _, _ in self.partitions))
