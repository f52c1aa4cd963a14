"""Compressed files by their codec: where they can be cut, and the content of a piece."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise

from kubemr_shell.errors import TruncatedInput
from kubemr_shell.inputs.blocks import bgzf, bzip2, frames, seek_table, xz
from kubemr_shell.inputs.blocks.errors import WHOLE_FILE, no_block, no_block_at_start
from kubemr_shell.inputs.blocks.window import Read, SeekableFile, Window, gradually
from kubemr_shell.inputs.compression import IF_NOT_COMPRESSED, decompressed
from kubemr_shell.job.split import Codec
from kubemr_shell.waits.threads import in_threads
from kubemr_shell.waits.waiter import Waiter

PROBED_CUTS = 2
"""The number of cuts after which a file without any place to cut is left whole."""
SEARCHES_AT_ONCE = 2
"""The number of places that are searched for blocks at the same time: each may need tens of MiB of read-ahead."""
FRAMES: dict[Codec, frames.FrameFormat] = {"zstd": frames.ZSTD, "lz4": frames.LZ4}
"""The compressions whose files consist of frames."""


class BlockFile:
    """A compressed file that consists of blocks, each of which can be decompressed without the blocks before."""

    def __init__(self, read: Read, *, codec: Codec, size: int, name: str, is_local: bool = False) -> None:
        """Make a file of ``size`` bytes whose bytes ``read`` yields. ``name`` is the name of the file in errors.

        ``is_local``: whether it costs little to read a few bytes at many offsets.
        """
        self._read = read
        self._codec = codec
        self._size = size
        self._name = name
        self._is_local = is_local
        self._xz: list[xz.Stream] | None = None
        """The streams of an xz file, once its indexes were read."""

    def cuts(self, wanted: Sequence[int], waiter: Waiter) -> list[int]:
        """Return offsets at which a block begins, in increasing order: for each wanted offset, the next one behind it.

        Return fewer or no offsets if blocks are large, or if no blocks are found. Raise Cancelled.
        """
        if self._codec == "gzip" and not bgzf.begins_with_block(Window(gradually(self._read), 0, self._size)):
            return []
        known = self._known_starts(waiter)
        if known is not None:
            return _next_ones(known, wanted)
        ranges = list(pairwise([*wanted, self._size]))
        found = self._starts(ranges[:PROBED_CUTS], waiter)
        if any(found):
            found += self._starts(ranges[PROBED_CUTS:], waiter)
        return sorted({start for start in found if 0 < start < self._size})

    def _starts(self, ranges: Sequence[tuple[int, int]], waiter: Waiter) -> list[int]:
        """Return for each range the offset of the first block that is found in it, or 0 if none is found."""

        def start_in(place: tuple[int, int], waiter: Waiter) -> int:
            waiter.check()
            start, end = place
            found = self._find(Window(gradually(self._read), start, self._size), end - start)
            return 0 if found is None else start + found

        return in_threads(start_in, ranges, at_once=SEARCHES_AT_ONCE, waiter=waiter)

    def content(self, start: int, end: int, *, is_read_whole: bool = True) -> Iterator[bytes]:
        """Yield the decompressed bytes of the blocks in a range, which begins and ends with blocks.

        ``is_read_whole``: whether the caller wants all of them, so that the file is read in large steps. Raise
        CorruptInput if the blocks are damaged, or do not end at ``end``.
        """
        if start == end:
            return iter(())
        read = self._read if is_read_whole else gradually(self._read)
        if self._codec == "bzip2":
            return bzip2.BlockReader(read, start, end, self._size, self._name).chunks()
        if self._codec == "xz":
            return self._xz_content(read, start, end)
        return self._streams(read, start, end)

    def _xz_content(self, read: Read, start: int, end: int) -> Iterator[bytes]:
        streams = self._xz_streams()
        if not streams:
            raise no_block_at_start(self._name, start)
        return xz.read_blocks(read, streams, start, end, self._name)

    def _streams(self, read: Read, start: int, end: int) -> Iterator[bytes]:
        """Yield the content of a range that consists of whole streams."""
        advice = f"the planner found a block here: {WHOLE_FILE}" if start else IF_NOT_COMPRESSED
        try:
            yield from decompressed(read(start, end), self._codec, self._name, start, advice=advice)
        except TruncatedInput as error:
            if end < self._size:
                raise no_block(self._name, end) from error
            raise

    def _xz_streams(self) -> list[xz.Stream]:
        """Read the indexes once, and return the streams, or none if the indexes do not describe the whole file."""
        if self._xz is None:
            self._xz = xz.streams_of(self._read, self._size) or []
        return self._xz

    def _known_starts(self, waiter: Waiter) -> Sequence[int] | None:
        """Return the offsets of all blocks if the file lists its blocks, or if they can be found at low cost.

        This may read a few bytes of each block. Raise Cancelled.
        """
        if self._codec == "xz":
            return xz.starts_of(self._xz_streams())
        starts = seek_table.frame_starts(self._read, self._size) if self._codec == "zstd" else None
        if starts is None and self._is_local and self._codec in FRAMES:
            source = SeekableFile(self._read, self._size, waiter)
            return frames.frame_starts(source, self._size, FRAMES[self._codec])
        return starts

    def _find(self, window: Window, search: int) -> int | None:
        match self._codec:
            case "gzip":
                return bgzf.find_block(window)
            case "bzip2":
                return bzip2.find_block(window, min(search, bzip2.LONGEST_BLOCK))
            case "zstd" | "lz4":
                return frames.find_frame(window, search, FRAMES[self._codec])
        return None


def _next_ones(known: Sequence[int], wanted: Sequence[int]) -> list[int]:
    places = {bisect_left(known, offset) for offset in wanted}
    return sorted({known[place] for place in places if place < len(known)} - {0})
