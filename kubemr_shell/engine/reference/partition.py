"""Which part of a line is its key, and which partition a key belongs to.

The hash is part of the protocol (``protocol/SPEC.md``, 3.7 and 3.8): the same on every architecture and for ever.
"""

from __future__ import annotations

from collections.abc import Callable

_MAX_PARTITIONS = 1 << 31
_MASK = (1 << 64) - 1
_FNV_OFFSET = 14695981039346656037
_FNV_PRIME = 1099511628211


def check_partitions(partitions: int) -> None:
    if not 1 <= partitions <= _MAX_PARTITIONS:
        raise ValueError(f"partitions must be in 1..{_MAX_PARTITIONS}, not {partitions}")


def partition_of(key: bytes, partitions: int) -> int:
    check_partitions(partitions)
    return _spread(key, partitions)


def _spread(key: bytes, partitions: int) -> int:
    x = _FNV_OFFSET
    for byte in key:
        x = ((x ^ byte) * _FNV_PRIME) & _MASK
    # FNV alone leaves similar keys with similar high bits, and the high bits are what is used below.
    x ^= x >> 33
    x = (x * 0xFF51AFD7ED558CCD) & _MASK
    x ^= x >> 33
    x = (x * 0xC4CEB9FE1A85EC53) & _MASK
    x ^= x >> 33
    return ((x >> 32) * partitions) >> 32


def partitioner(partitions: int) -> Callable[[bytes], int]:
    """``partition_of`` for a fixed, already checked number of partitions."""
    if partitions == 1:
        return lambda key: 0  # noqa: ARG005
    return lambda key: _spread(key, partitions)


def key_cutter(separator: bytes, fields: int) -> Callable[[bytes], tuple[bytes, bytes]]:
    """A function from a line to its key and the rest, which begins with the separator.

    A line with fewer separators than ``fields`` is all key.
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
