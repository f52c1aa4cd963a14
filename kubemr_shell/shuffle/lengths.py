"""The lengths of the partitions of a map output, packed: eight bytes for each of up to 100,000 partitions.

The partitions of a map output follow each other without gaps, so their lengths also give their offsets.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence

Lengths = bytes
"""The length of each partition as a little-endian u64. The length of an empty partition is 0."""
BYTES_A_PARTITION = 8
"""The packed bytes of one partition."""


def packed(lengths: Iterable[int]) -> Lengths:
    """Return the lengths of partitions, in order, as packed bytes."""
    return little_endian(array("Q", lengths)).tobytes()


def unpacked(lengths: Lengths) -> Sequence[int]:
    """Return the lengths as numbers. A little-endian processor needs no copy."""
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
    """Swap the bytes of the numbers in place if the processor is big-endian, and return the numbers."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
