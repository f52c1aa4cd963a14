"""How long each partition of a map output is, packed: eight bytes a partition, of which there may be 100,000.

The partitions of a map output follow each other without gaps, so their lengths say where each of them begins.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence

Lengths = bytes
"""Little-endian u64 for each partition; 0 for one without records."""
BYTES_A_PARTITION = 8


def packed(lengths: Iterable[int]) -> Lengths:
    """Pack the lengths of partitions, in their order."""
    return little_endian(array("Q", lengths)).tobytes()


def unpacked(lengths: Lengths) -> Sequence[int]:
    """Return the numbers; without a copy where the processor is little-endian."""
    if sys.byteorder == "little":
        return memoryview(lengths).cast("Q")
    return little_endian(array("Q", lengths))


def ranges(lengths: Lengths) -> Iterator[tuple[int, int]]:
    """Yield the offset and the length of each partition."""
    offset = 0
    for length in unpacked(lengths):
        yield offset, length
        offset += length


def little_endian(numbers: array[int]) -> array[int]:
    """Swap the bytes of the numbers if this processor keeps them the other way round."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
