"""What the engine takes and tells: a range to merge, what was fed, what was written."""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """A range of whole blocks of one partition in a run file."""

    path: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """What a command was given.

    ``end`` is ``complete``, ``closed`` (the reader stopped early) or ``cancelled``. ``heaviest_key`` holds the first
    256 bytes of the key with the most records, the first in order among equals.
    """

    records: int
    raw_bytes: int
    keys: int
    heaviest_key: bytes
    heaviest_records: int
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFacts:
    """What a run file holds.

    ``partitions`` has (offset, stored bytes, records, raw bytes) for each partition. ``lengths`` has the stored bytes
    alone, as little-endian u64: the list of 100,000 partitions takes 20 MB, so the native engine makes it when asked.
    """

    records: int
    raw_bytes: int
    entries: int
    stored_bytes: int
    partitions: list[tuple[int, int, int, int]]

    @property
    def lengths(self) -> bytes:
        return struct.pack(f"<{len(self.partitions)}Q", *(stored for _, stored, _, _ in self.partitions))
