"""Checksums and line counts of ranges of files."""

from __future__ import annotations

import os
import zlib
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine import strategies
from tests.engine.streams import memory_file


@strategies.quick
@given(content=strategies.stream, offset=st.integers(0, 300), length=st.integers(0, 50_000))
def test_a_range_is_scanned_as_zlib_does(engine: ModuleType, content: bytes, offset: int, length: int) -> None:
    with memory_file(content) as fd:
        part = content[offset : offset + length]
        assert engine.scan(fd, offset, length) == (zlib.crc32(part), part.count(b"\n"))
        assert engine.count_lines(fd, offset, length) == part.count(b"\n")
        assert os.lseek(fd, 0, os.SEEK_CUR) == 0, "a scan leaves the position alone"


def test_a_range_of_many_pieces_is_scanned_whole(engine: ModuleType) -> None:
    content = bytes(range(256)) * 20_000 + b"\n\n"
    with memory_file(content) as fd:
        assert engine.scan(fd, 0, len(content)) == (zlib.crc32(content), 20_002)
        assert engine.count_lines(fd, 3, len(content)) == 20_002


def test_a_descriptor_that_is_not_open_cannot_be_scanned(engine: ModuleType) -> None:
    with memory_file() as fd:
        pass
    for function in (engine.scan, engine.count_lines):
        with pytest.raises(OSError, match="Bad file descriptor"):
            function(fd, 0, 10)
