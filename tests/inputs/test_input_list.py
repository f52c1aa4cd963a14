"""Tests of the text of a list of inputs: its compression, and lines that are too long."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from itertools import repeat

import pytest

from kubemr_shell.errors import InputError
from kubemr_shell.inputs.input_list import MOST_LINE_BYTES, text_of_list

LONGEST = b"x" * MOST_LINE_BYTES


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_the_longest_lines_are_read(size: int) -> None:
    text = b"a\n\n" + LONGEST + b"\n" + LONGEST
    assert text_of_list(chunks(text, size), "list") == text
    assert text_of_list(chunks(gzip.compress(text), size), "list") == text


@pytest.mark.parametrize("size", [1000, 1 << 20])
@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_longer_line_is_an_error_that_names_its_place(packed: type[bytes], size: int) -> None:
    text = b"a\nbc\n" + LONGEST + b"y\n"
    with pytest.raises(InputError, match=r"^list: byte 5: a line of the list .* is longer than 65,536 bytes"):
        text_of_list(chunks(packed(text), size), "list")


def test_a_list_without_end_ends_at_its_first_line() -> None:
    with pytest.raises(InputError, match=r"/dev/zero: byte 0: a line of the list"):
        text_of_list(repeat(bytes(1 << 16)), "/dev/zero")


def test_an_archive_is_no_list() -> None:
    with pytest.raises(InputError, match=r"the list of inputs .* is a zip archive: unpack it"):
        text_of_list([b"PK\x05\x06" + bytes(18)], "list")
