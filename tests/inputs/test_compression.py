"""Tests of compressed inputs: complete, in several streams, cut, damaged, and expanding without end."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import lz4.frame
import pytest
import zstandard

import kubemr_shell
from kubemr_shell.errors import CorruptInput, InputError
from kubemr_shell.inputs.compression import MOST_LAYERS, STEP_BYTES, content_of, decompressed
from kubemr_shell.job.split import Codec

COMPRESSORS: dict[Codec, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lz4": lambda data: lz4.frame.compress(data, content_checksum=True),
    "zstd": lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
}
CODECS = sorted(COMPRESSORS)
CONTENT = b"".join(b"%d some line\n" % number for number in range(20000)) + random.Random(1).randbytes(100_000)


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def read(data: bytes, codec: Codec, size: int = 1000) -> bytes:
    return b"".join(decompressed(chunks(data, size), codec, "/in/file"))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_several_streams_are_read_as_one(codec: Codec, size: int) -> None:
    compress = COMPRESSORS[codec]
    content = CONTENT if size > 7 else CONTENT[:300]
    data = compress(content) + compress(b"") + compress(b"last")
    assert read(data, codec, size) == content + b"last"


@pytest.mark.parametrize("codec", CODECS)
def test_a_file_that_was_cut_is_an_error_wherever_it_was_cut(codec: Codec) -> None:
    data = COMPRESSORS[codec](b"some line\n" * 10)
    for end in range(1, len(data)):
        with pytest.raises(
            CorruptInput, match=rf"^/in/file: byte {end}: the file ends in the middle of the {codec} data"
        ):
            read(data[:end], codec, size=11)


@pytest.mark.parametrize("codec", CODECS)
def test_a_second_stream_that_was_cut_is_an_error(codec: Codec) -> None:
    data = COMPRESSORS[codec](CONTENT)
    with pytest.raises(CorruptInput, match="ends in the middle"):
        read(data + data[:-1], codec)


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_not_compressed_is_an_error_that_says_how_to_read_it(codec: Codec) -> None:
    with pytest.raises(CorruptInput, match=rf"byte 0: no {codec} data begins here.*decompress: none"):
        read(b"just some text that goes on\n" * 10, codec)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [5, 1000, 1 << 20])
def test_garbage_after_the_data_is_an_error_at_its_first_byte(codec: Codec, size: int) -> None:
    data = COMPRESSORS[codec](b"some line\n" * 10)
    with pytest.raises(CorruptInput, match=f"byte {len(data)}: no {codec} data begins here"):
        read(data + b"garbage, more of it than a header has", codec, size)


def test_an_error_inside_the_compression_names_the_file_that_is_there() -> None:
    data = COMPRESSORS["gzip"](b"\0no archive")
    with pytest.raises(CorruptInput, match=r"^/in/a\.tar\.gz \(decompressed\): byte 0: no tar data begins here"):
        content_of([data], "/in/a.tar.gz")


@pytest.mark.parametrize("codec", ["gzip", "xz"])
@pytest.mark.parametrize("size", [3, 1 << 20])
def test_zeros_after_the_data_are_padding(codec: Codec, size: int) -> None:
    data = COMPRESSORS[codec](b"line\n")
    assert read(data + bytes(512) + data + bytes(1024), codec, size) == b"line\nline\n"


@pytest.mark.parametrize("codec", CODECS)
def test_a_flipped_bit_is_never_silent(codec: Codec) -> None:
    content = random.Random(2).randbytes(3000)
    data = COMPRESSORS[codec](content)
    for position in range(20, len(data) - 1, 97):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        with pytest.raises(CorruptInput, match=r"/in/file: (before )?byte "):
            read(bytes(damaged), codec)


@pytest.mark.lengthy
def test_the_window_that_a_stream_asks_for_is_limited() -> None:
    greedy = lzma.compress(b"x", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 29}])
    with pytest.raises(CorruptInput, match=r"[Mm]emory"):
        read(greedy, "xz")
    parameters = zstandard.ZstdCompressionParameters(window_log=28)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(CorruptInput, match="memory"):
        read(stream.compress(b"x" * 1000) + stream.flush(), "zstd")


def test_frames_that_a_zstd_reader_must_skip_are_skipped() -> None:
    data = b"\x50\x2a\x4d\x18\x05\x00\x00\x00hello" + COMPRESSORS["zstd"](b"line\n")
    assert read(data, "zstd") == b"line\n"


@pytest.mark.lengthy
@pytest.mark.parametrize("codec", CODECS)
def test_output_comes_in_bounded_steps(codec: Codec) -> None:
    data = COMPRESSORS[codec](bytes(32 << 20))
    steps = [len(step) for step in decompressed(chunks(data, 256 << 10), codec, "/in/file")]
    assert sum(steps) == 32 << 20
    assert max(steps) <= 17 * STEP_BYTES


@pytest.mark.lengthy
@pytest.mark.parametrize("codec", CODECS)
def test_a_file_that_explodes_does_not_fill_the_memory(tmp_path: Path, codec: Codec) -> None:
    """A process decompresses a file of a few kilobytes to 128 MiB of zeros, and reports its peak memory."""
    path = tmp_path / "bomb"
    path.write_bytes(COMPRESSORS[codec](bytes(16 << 20)) * 8)
    script = (
        "import resource, sys\n"
        "from kubemr_shell.inputs.compression import decompressed\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "data = open(sys.argv[1], 'rb').read()\n"
        "before = peak()\n"
        "size = sum(map(len, decompressed([data], sys.argv[2], 'bomb')))\n"
        "print(size, peak() - before)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", script, path, codec],
        cwd=Path(kubemr_shell.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    size, kilobytes = map(int, child.stdout.split())
    assert size == 128 << 20
    assert kilobytes < 60 << 10


def layered(data: bytes, name: str = "/in/file", size: int = 1000) -> bytes:
    return b"".join(content_of(chunks(data, size), name).chunks)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [1, 600, 1 << 20])
def test_the_first_bytes_decide_whatever_the_name_is(codec: Codec, size: int) -> None:
    content = CONTENT[: 1 << 20 if size > 1 else 700]
    for name in ("/in/file", "/in/file.txt", "/in/file.gz", "/in/file.tar.zst"):
        assert layered(COMPRESSORS[codec](content), name, size) == content


def test_lzma_files_are_read() -> None:
    data = lzma.compress(CONTENT, format=lzma.FORMAT_ALONE)
    assert layered(data) == CONTENT
    with pytest.raises(CorruptInput, match="ends in the middle of the lzma data"):
        layered(data[:-10])
    with pytest.raises(CorruptInput, match="other bytes follow"):
        layered(data + b"garbage after the end")


@pytest.mark.parametrize("size", [1, 3, 10, 1 << 20])
@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_skippable_frames_have_no_content(codec: Codec, size: int) -> None:
    skippable, frame = b"\x5a\x2a\x4d\x18\x03\0\0\0abc", COMPRESSORS[codec](b"line\n")
    empty = b"\x50\x2a\x4d\x18\0\0\0\0"
    assert layered(skippable + frame + empty + frame + skippable, size=size) == b"line\nline\n"
    assert layered(empty + skippable, size=size) == b""
    with pytest.raises(CorruptInput, match="ends in the middle"):
        layered(frame + skippable[:-1], size=size)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_few_bytes_after_a_frame_are_an_error(codec: Codec) -> None:
    with pytest.raises(CorruptInput):
        layered(COMPRESSORS[codec](b"line\n") + b"ab", size=5)


def test_a_file_may_be_compressed_several_times() -> None:
    once = gzip.compress(b"line\n")
    assert layered(gzip.compress(once), "a.gz") == b"line\n"
    assert layered(zstandard.compress(once), "a.gz") == b"line\n"
    too_often = b"line\n"
    for _ in range(MOST_LAYERS):
        too_often = gzip.compress(too_often)
    with pytest.raises(InputError, match="is compressed more than 3 times"):
        layered(too_often)


def test_an_empty_file_is_an_empty_input_under_any_name() -> None:
    assert [layered(b"", name) for name in ("a", "a.gz", "a.zip", "a.tar.xz")] == [b""] * 4
