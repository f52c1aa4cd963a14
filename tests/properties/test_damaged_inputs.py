"""Tests of damaged compressed files and archives: each is read whole, or is an error that names the file.

The libraries that decompress, tarfile and zipfile parse most bytes of such files. Their errors are of many types, so
these tests also show that no other error leaves the parts that call them.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.errors import InputError
from kubemr_shell.inputs.compression import content_of
from kubemr_shell.inputs.unpacking import unpacked
from kubemr_shell.job.split import Codec
from tests.engine import strategies
from tests.inputs.test_compression import CODECS, COMPRESSORS
from tests.support.archives import tar_of

CONTENT = st.lists(st.sampled_from([b"", b"a line\n", b"\0", b"other words " * 50, bytes(700)]), max_size=4).map(
    b"".join
)
Found = TypeVar("Found")
SIZES = st.sampled_from([1, 3, 64, 513, 1 << 20])
SKIPPABLE = b"\x5a\x2a\x4d\x18\x03\x00\x00\x00any"


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def zip_of(members: dict[str, bytes], compression: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


ARCHIVES: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "tar": lambda members: tar_of(members.items()),
    "tar.gz": lambda members: COMPRESSORS["gzip"](tar_of(members.items())),
    "stored.zip": lambda members: zip_of(members, zipfile.ZIP_STORED),
    "deflated.zip": lambda members: zip_of(members, zipfile.ZIP_DEFLATED),
    "bzip2.zip": lambda members: zip_of(members, zipfile.ZIP_BZIP2),
    "lzma.zip": lambda members: zip_of(members, zipfile.ZIP_LZMA),
}


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Change, insert, remove or repeat some bytes of a file, or cut the file."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        end = draw(st.integers(at, min(len(data), at + 40)))
        what = draw(st.sampled_from(["cut", "replace", "repeat"]))
        if what == "cut":
            data = data[:at]
        elif what == "replace":
            data = data[:at] + draw(st.binary(max_size=8)) + data[end:]
        else:
            data = data[:end] + data[at:end] * draw(st.integers(1, 3)) + data[end:]
    return data


def read(data: bytes, name: str, size: int) -> bytes:
    return b"".join(content_of(chunks(data, size), name).chunks)


def read_or_error(read: Callable[[], Found]) -> tuple[Found | None, str]:
    """Return what was read, or None and the message of the error."""
    try:
        return read(), ""
    except InputError as error:
        return None, str(error)


def read_all(data: bytes, name: str, size: int) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as scratch:
        return {
            file.name.removeprefix(f"{name}/"): b"".join(file.chunks)
            for file in unpacked(chunks(data, size), name, scratch=scratch)
        }


@pytest.mark.parametrize("codec", CODECS)
@strategies.quick
@given(
    streams=st.lists(CONTENT, min_size=1, max_size=3), padding=st.sampled_from([b"", bytes(9), SKIPPABLE]), size=SIZES
)
def test_streams_with_padding_are_read_whole_in_chunks_of_any_size(
    codec: Codec, streams: list[bytes], padding: bytes, size: int
) -> None:
    allowed = (
        {"gzip": bytes(9), "xz": bytes(8), "zstd": SKIPPABLE, "lz4": SKIPPABLE}.get(codec, b"") if padding else b""
    )
    data = b"".join(COMPRESSORS[codec](stream) + allowed for stream in streams)
    assert read(data, "/in/file", size) == b"".join(streams)


@pytest.mark.parametrize("codec", CODECS)
@strategies.quick
@given(data=st.data(), streams=st.lists(CONTENT, min_size=1, max_size=2), size=SIZES)
def test_a_damaged_file_is_read_whole_or_is_an_error_that_names_it(
    codec: Codec, data: st.DataObject, streams: list[bytes], size: int
) -> None:
    whole = [COMPRESSORS[codec](stream) for stream in streams]
    changed = data.draw(damaged(b"".join(whole)))
    found, error = read_or_error(lambda: read(changed, "/in/file", size))
    if found is None:
        assert error.startswith("/in/file")
    elif changed[:10] == whole[0][:10]:  # else the file is not compressed any more
        assert found in possible(streams, found)


def possible(streams: list[bytes], found: bytes) -> list[bytes]:
    """Return the contents of a file of which whole streams were removed or repeated."""
    contents = [b""]
    while max(map(len, contents)) < len(found):
        longer = [known + stream for known in contents for stream in streams if found.startswith(known + stream)]
        if set(longer) <= set(contents):
            break
        contents = list(dict.fromkeys(contents + longer))
    return contents


@pytest.mark.parametrize("kind", sorted(ARCHIVES))
@strategies.quick
@given(data=st.data(), contents=st.lists(CONTENT, min_size=1, max_size=3), size=SIZES)
def test_a_damaged_archive_is_read_or_is_an_error_that_names_it(
    kind: str, data: st.DataObject, contents: list[bytes], size: int
) -> None:
    members = {f"m{number}": content for number, content in enumerate(contents)}
    name = f"/in/a.{kind}"
    whole = ARCHIVES[kind](members)
    assert read_all(whole, name, size) == members
    changed = data.draw(damaged(whole))
    found, error = read_or_error(lambda: read_all(changed, name, size))
    if found is None:
        assert error.startswith(name)
    elif kind != "tar" and changed[:4] == whole[:4]:  # a tar archive has no checksums of its members
        assert set(found.values()) <= set(contents)
