from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.errors import StorageError
from kubemr_shell.job.split import Piece, Split
from tests.support.job_documents import unhurried

SIZES = st.none() | st.integers(min_value=0, max_value=1 << 50)
PIECES = st.builds(
    Piece,
    uri=st.text() | st.binary().map(os.fsdecode),
    start=st.integers(min_value=0, max_value=1 << 50),
    end=SIZES,
    size=SIZES,
    codec=st.sampled_from(["none", "gzip", "bzip2", "xz", "zstd"]),
    fingerprint=st.text(),
    exact=st.booleans(),
)


@unhurried
@given(st.lists(PIECES, max_size=4))
def test_a_split_comes_back_from_its_line(pieces: list[Piece]) -> None:
    split = Split(tuple(pieces))
    line = split.to_json()
    assert Split.from_json(line) == split
    assert line.isascii()
    assert line.splitlines() == [line]


@pytest.mark.parametrize("line", ["", "[", "[1]", '[["a"]]', '[["a", 0, null, null, "none", "", false, 7]]', "null"])
def test_a_damaged_line_is_an_error_that_shows_it(line: str) -> None:
    with pytest.raises(StorageError, match="a line of the job's plan is not what was written"):
        Split.from_json(line)
