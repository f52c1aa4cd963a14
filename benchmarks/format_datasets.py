"""Makes the inputs of the benchmarks of formats of records and of compression."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
from collections.abc import Callable
from pathlib import Path

import zstandard

SEED = 20261201
"""The seed of the random records."""
BLOCK_RECORDS = 50_000
"""The number of different records. A larger file repeats them."""


def fastq(path: Path, size: int) -> None:
    """Write reads of 100 bases. A third of the quality lines begins with @."""

    def record(draw: random.Random, number: int) -> bytes:
        bases, quality = bytes(draw.choices(b"ACGT", k=100)), bytes(draw.choices(b"@FI", k=100))
        return b"@read.%d\n%s\n+\n%s\n" % (number, bases, quality)

    _repeated(path, size, record)


def fasta(path: Path, size: int) -> None:
    """Write sequences of 1 to 40 lines."""
    _repeated(path, size, lambda draw, number: b">s%d\n%s" % (number, (b"ACGTTGCA" * 7 + b"\n") * draw.randint(1, 40)))


def nul(path: Path, size: int) -> None:
    """Write names that end with NUL. Each tenth holds a line end."""
    _repeated(path, size, lambda draw, number: b"folder/%d%s.txt\0" % (draw.getrandbits(40), b"\n"[number % 10 :]))


def csv(path: Path, size: int) -> None:
    """Write rows with a quoted field, which holds a doubled quote and a line end in each tenth row."""
    _repeated(
        path,
        size,
        lambda draw, number: (
            b'%d,"a field, %d%s",%d\r\n'
            % (number, draw.getrandbits(40), b' "" \n' if number % 10 == 0 else b"", draw.getrandbits(20))
        ),
    )


def mixed_files(path: Path, size: int) -> None:
    """Make a folder of ``size`` files of 100 bytes: plain, gzip, bzip2, xz and zstd in turn."""
    pack: tuple[Callable[[bytes], bytes], ...] = (
        bytes,
        gzip.compress,
        bz2.compress,
        lzma.compress,
        zstandard.ZstdCompressor().compress,
    )
    path.mkdir()
    for number in range(size):
        content = b"%09d %s\n" % (number, b"small file " * 8 + b"x")
        (path / f"{number:06d}").write_bytes(pack[number % len(pack)](content))


def _repeated(path: Path, size: int, record: Callable[[random.Random, int], bytes]) -> None:
    draw = random.Random(SEED)
    block = [record(draw, number) for number in range(BLOCK_RECORDS)]
    whole = b"".join(block)
    left = size
    with path.open("wb") as out:
        while left > len(whole):
            left -= out.write(whole)
        for one in block:
            if left <= 0:
                break
            left -= out.write(one)


MAKERS: dict[str, Callable[[Path, int], None]] = {
    "fastq": fastq,
    "fasta": fasta,
    "nul": nul,
    "csv": csv,
    "mixed-files": mixed_files,
}
"""The functions that make the datasets, by the names of the datasets."""
