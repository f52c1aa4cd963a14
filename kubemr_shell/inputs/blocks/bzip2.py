"""Finds the blocks of bzip2, and decompresses some of them.

A block begins at any bit, with 48 bits that are the same for each block. The same bits can occur inside a block by
chance. So a place counts as the end of a block only if the decompression of the block ends there with the right
checksum. A decoder gets each block in a stream of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from kubemr_shell.errors import CorruptInput, TruncatedInput
from kubemr_shell.inputs.blocks.errors import no_block, no_block_at_start
from kubemr_shell.inputs.blocks.window import Read, Window
from kubemr_shell.inputs.compression import STEP_BYTES
from kubemr_shell.shown import shown

BLOCK = 0x314159265359
"""The 48 bits at the start of a block."""
STREAM_END = 0x177245385090
"""The 48 bits behind the last block of a stream."""
LONGEST_BLOCK = 1 << 20
"""More bytes than a compressed block has: 900,000 bytes of content grow by about one in a hundred at most."""
SCANNED_BYTES = 512 << 10
"""The bytes that are searched at once for the starts of blocks."""


def places(data: bytes | bytearray, magic: int, start: int, end: int) -> list[int]:
    """Return the offsets in bits at which 48 bits occur, if their first bit is in the bytes ``start`` to ``end``."""
    found = []
    for shift in range(8):
        # The bytes that have no other bits: six if the magic begins at a byte, and five behind its first bits if not.
        count = 5 if shift else 6
        inner = (magic >> shift & (1 << 8 * count) - 1).to_bytes(count, "big")
        skipped = 1 if shift else 0
        at = data.find(inner, start + skipped, end + skipped + count - 1)
        while at >= 0:
            bit = 8 * (at - skipped) + shift
            if bits_of(data, bit, 48) == magic:
                found.append(bit)
            at = data.find(inner, at + 1, end + skipped + count - 1)
    return sorted(found)


def bits_of(data: bytes | bytearray, bit: int, count: int) -> int:
    """Return a number of bits from an offset in bits on. Bits behind the end of the data are missing."""
    end = bit + count
    value = int.from_bytes(data[bit // 8 : -(-end // 8)], "big")
    return value >> -end % 8 & (1 << count) - 1


def find_block(window: Window, search: int) -> int | None:
    """Return the offset in the window of the byte in which the first block begins, or None.

    ``search`` is the number of first bytes in which a block may begin.
    """
    reach = SCANNED_BYTES
    while True:
        is_last = not window.has(reach) or reach >= search + LONGEST_BLOCK
        size = len(window.data)
        starts = places(window.data, BLOCK, 0, min(search, size))
        ends = sorted(starts + places(window.data, BLOCK, search, size) + places(window.data, STREAM_END, 0, size))
        for start in starts:
            if any(start < end <= start + 8 * LONGEST_BLOCK and _is_block(window.data, start, end) for end in ends):
                return start // 8
        if is_last:
            return None
        reach *= 2


def _is_block(data: bytearray, start: int, end: int) -> bool:
    pieces = _decoded(data, start, end)
    return next(pieces, None) is not None and all(piece is not None for piece in pieces)


def _decoded(data: bytes | bytearray, start: int, end: int) -> Iterator[bytes | None]:
    """Yield the content of a block. At the end, yield None if the block is not intact or does not end at ``end``."""
    import bz2

    checksum = bits_of(data, start + 48, 32)
    content = bits_of(data, start, end - start)
    # In a stream of one block, the checksum of the stream is the checksum of the block.
    size = end - start + 48 + 32
    stream = (content << 80 | STREAM_END << 32 | checksum) << -size % 8
    decoder = bz2.BZ2Decompressor()
    feed = b"BZh9" + stream.to_bytes(-(-size // 8), "big")
    try:
        while not decoder.eof and (feed or not decoder.needs_input):
            if output := decoder.decompress(feed, STEP_BYTES):
                yield output
            feed = b""
    except OSError:
        yield None
        return
    if not decoder.eof or decoder.unused_data:
        yield None


class BlockReader:
    """A reader of the blocks that begin in a range of a file."""

    def __init__(self, read: Read, start: int, end: int, size: int, name: str) -> None:
        """Make a reader. A block begins in the byte ``start``, and in the byte ``end`` if this is not the end."""
        self._end = end
        self._size = size
        self._name = name
        self._window = Window(read, start, min(end + 8, size))
        self._places: deque[int] = deque()
        """The offsets in bits in the file at which a block or the end of a stream may begin."""
        self._scanned = start
        self._is_inside = start > 0
        """Whether the current position is inside a stream."""
        self._bit = 8 * start
        self._checksum: int | None = None
        """The checksum of the blocks of the stream so far; None if the reader did not begin with the stream."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the content of the blocks. Raise CorruptInput if they are damaged."""
        if self._is_inside:
            self._scan()
            if not self._places or self._places[0] >= self._bit + 8:
                raise no_block_at_start(self._name, self._bit // 8)
            self._bit = self._places[0]
        while not self._is_done():
            if not self._is_inside:
                self._begin_stream()
            elif (magic := self._bits(48)) == BLOCK:
                yield from self._block()
            elif magic == STREAM_END:
                self._end_stream()
            else:
                raise self._damaged("no block begins here")

    def _is_done(self) -> bool:
        """Return whether all blocks of the range were read. Raise CorruptInput if a block reaches behind its end."""
        if self._end == self._size:
            return not self._is_inside and self._bit == 8 * self._size
        if self._is_inside and self._bit // 8 == self._end and self._bits(48) == BLOCK:
            return True
        if self._bit // 8 > self._end:
            raise self._no_block()
        return False

    def _begin_stream(self) -> None:
        header = self._bits(32).to_bytes(4, "big")
        if header[:3] != b"BZh" or not b"1" <= header[3:] <= b"9":
            if self._bit // 8 + 4 > self._size:
                raise self._cut()
            raise CorruptInput(
                f"{shown(self._name)}: byte {self._bit // 8}: no bzip2 data begins here: other bytes follow the "
                "compressed data: get a correct copy of the file"
            )
        self._bit += 32
        self._is_inside = True
        self._checksum = 0

    def _block(self) -> Iterator[bytes]:
        checksum = self._bits(48 + 32) & 0xFFFFFFFF
        last = self._bit + 8 * LONGEST_BLOCK
        tried = 0
        while True:
            end = self._place(tried)
            if end is None:
                raise self._cut() if self._end == self._size else self._no_block()
            if end > last:
                raise self._damaged("no block ends behind it")
            has_output = False
            is_whole = True
            offset = 8 * self._window.start
            for chunk in _decoded(self._window.data, self._bit - offset, end - offset):
                if chunk is None:
                    is_whole = False
                else:
                    has_output = True
                    yield chunk
            if is_whole:
                break
            if has_output:
                raise self._damaged("a checksum is wrong")
            tried += 1
        self._bit = end
        while self._places and self._places[0] < end:
            self._places.popleft()
        self._window.drop(end // 8 - self._window.start)
        if self._checksum is not None:
            self._checksum = ((self._checksum << 1 | self._checksum >> 31) & 0xFFFFFFFF) ^ checksum

    def _place(self, number: int) -> int | None:
        """Return a place behind the current block at which the block may end; None if the range has no further one."""
        while True:
            behind = [place for place in self._places if place > self._bit]
            if len(behind) > number:
                return behind[number]
            if not self._scan():
                return None

    def _scan(self) -> bool:
        """Search the next bytes for blocks. Return False at the end of the range."""
        window = self._window
        start = self._scanned - window.start
        window.has(start + SCANNED_BYTES + 7)
        # A place is found when all of its seven bytes are there.
        end = min(start + SCANNED_BYTES, max(start, len(window.data) - 6))
        if end == start:
            return False
        found = places(window.data, BLOCK, start, end) + places(window.data, STREAM_END, start, end)
        self._places.extend(8 * window.start + bit for bit in sorted(found))
        self._scanned = window.start + end
        return True

    def _end_stream(self) -> None:
        if self._bit + 80 > 8 * self._size:
            raise self._cut()
        checksum = self._bits(80) & 0xFFFFFFFF
        if self._checksum not in (None, checksum):
            raise self._damaged("the checksum of the stream is wrong")
        self._bit = -(-(self._bit + 80) // 8) * 8
        self._is_inside = False

    def _bits(self, count: int) -> int:
        """Return the next bits. Raise CorruptInput if the file ends before."""
        offset = 8 * self._window.start
        end = self._bit - offset + count
        if not self._window.has(-(-end // 8)):
            raise self._cut()
        return bits_of(self._window.data, self._bit - offset, count)

    def _cut(self) -> TruncatedInput:
        return TruncatedInput(
            f"{shown(self._name)}: byte {self._size}: the file ends in the middle of the bzip2 data: it was cut; "
            "get a whole copy of it"
        )

    def _damaged(self, reason: str) -> CorruptInput:
        return CorruptInput(
            f"{shown(self._name)}: before byte {self._bit // 8 + 1}: the bzip2 data is damaged ({reason}): "
            "get a whole copy of it"
        )

    def _no_block(self) -> CorruptInput:
        return no_block(self._name, min(self._end, self._bit // 8))
