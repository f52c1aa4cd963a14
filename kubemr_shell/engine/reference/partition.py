"""Cuts lines into key and rest, and computes the partition of a key.

The hash is part of the protocol (``protocol/SPEC.md``, 3.7 and 3.8). It is the same on every architecture and in every
version.
"""

from __future__ import annotations

from collections.abc import Callable

_MAX_PARTITIONS = 1 << 31
_MASK = (1 << 64) - 1
_FNV_OFFSET = 14695981039346656037
_FNV_PRIME = 1099511628211


def check_partitions(partitions: int) -> None:
    """Raise ValueError if the number of partitions is not from 1 to 2,147,483,648."""
    if not 1 <= partitions <= _MAX_PARTITIONS:
        raise ValueError(f"partitions must be in 1..{_MAX_PARTITIONS}, not {partitions}")


def partition_of(key: bytes, partitions: int) -> int:
    """Return the number of the partition of a key, from 0. Raise ValueError if ``partitions`` is out of range."""
    check_partitions(partitions)
    return _spread(key, partitions)


def _spread(key: bytes, partitions: int) -> int:
    x = _FNV_OFFSET
    for byte in key:
        x = ((x ^ byte) * _FNV_PRIME) & _MASK
    # FNV alone gives similar keys similar high bits, and the high bits choose the partition.
    x ^= x >> 33
    x = (x * 0xFF51AFD7ED558CCD) & _MASK
    x ^= x >> 33
    x = (x * 0xC4CEB9FE1A85EC53) & _MASK
    x ^= x >> 33
    return ((x >> 32) * partitions) >> 32


def partitioner(partitions: int) -> Callable[[bytes], int]:
    """Return ``partition_of`` for a fixed number of partitions, which is already checked."""
    if partitions == 1:
        return lambda key: 0  # noqa: ARG005
    return lambda key: _spread(key, partitions)


def key_cutter(separator: bytes, fields: int) -> Callable[[bytes], tuple[bytes, bytes]]:
    """Return a function that cuts a line into its key and its rest. The rest begins with the separator.

    The key of a line with fewer separators than ``fields`` is the whole line. Raise ValueError if an argument is
    invalid.
    """
    if not separator:
        raise ValueError("the separator must have at least one byte")
    if fields < 1:
        raise ValueError(f"key_fields must be at least 1, not {fields}")

    def cut(line: bytes) -> tuple[bytes, bytes]:
        at = line.find(separator)
        for _ in range(fields - 1):
            if at < 0:
                break
            at = line.find(separator, at + len(separator))
        return (line, b"") if at < 0 else (line[:at], line[at:])

    return cut
