"""The index at the end of a run file, as ``docs/run-file.md`` has it; the product is told where its ranges are."""

from __future__ import annotations

import struct
import zlib

from kubemr_shell.engine.reference.run_file import PartitionFacts

_FOOTER = struct.Struct("<8sIIQII")
_ENTRY = struct.Struct("<5Q")


def read_index(content: bytes) -> list[PartitionFacts]:
    """The partitions of a whole run file."""
    footer = content[-_FOOTER.size :]
    magic, version, partitions, offset, index_checksum, checksum = _FOOTER.unpack(footer)
    assert (magic, version) == (b"KMRRUN1\n", 1)
    assert zlib.crc32(footer[:-4]) == checksum
    index = content[offset : -_FOOTER.size]
    assert zlib.crc32(index) == index_checksum
    assert len(index) == partitions * _ENTRY.size
    names = ("offset", "stored", "entries", "records", "raw_bytes")
    return [PartitionFacts(**dict(zip(names, row, strict=True))) for row in _ENTRY.iter_unpack(index)]
