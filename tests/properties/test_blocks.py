"""Tests that each compressed file is cut between records, and that the pieces together are the decompressed file."""

from __future__ import annotations

import os
import tempfile

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kubemr_shell.job.records import LINES
from kubemr_shell.job.spec_mappings import SplitSpec
from tests.properties.record_parsers import record_ends
from tests.properties.test_records import CASES, check, outputs_of, text
from tests.support.compressed import PACKERS
from tests.support.feeding import listed
from tests.support.http_server import Resource, serving

LINE_CASES = (LINES, b"", text(b"\n", b"a", b"\r\n", b"line\n", b"x" * 40))
FORMATS = {"lines": LINE_CASES, **CASES}


def ends_of(kind: str, content: bytes, argument: bytes) -> set[int]:
    if kind == "lines":
        return {at + 1 for at, byte in enumerate(content) if byte == 10} | {len(content)}
    try:
        return record_ends(kind, content, argument)
    except ValueError:
        assume(False)
        raise


@pytest.mark.parametrize("packer", PACKERS)
@settings(max_examples=120, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(FORMATS)), block=st.integers(1, 30), pieces=st.integers(2, 12))
def test_the_pieces_of_a_compressed_file_are_whole_records_and_together_the_content(
    packer: str, data: st.DataObject, name: str, block: int, pieces: int
) -> None:
    records, argument, contents = FORMATS[name]
    content = data.draw(contents)
    ends = ends_of(records.kind, content, argument)
    stored = PACKERS[packer](content, block)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "input")
        with open(path, "wb") as file:
            file.write(stored)
        split = SplitSpec(max_bytes=max(1, len(stored) // pieces))
        check(outputs_of(listed([path]), records, split), content, ends)


@pytest.mark.parametrize("packer", PACKERS)
@settings(max_examples=10, deadline=None)
@given(data=st.data(), name=st.sampled_from(["lines", "fastq", "overlap"]), block=st.integers(1, 30))
def test_the_pieces_of_a_compressed_url_are_whole_records(
    packer: str, data: st.DataObject, name: str, block: int
) -> None:
    records, argument, contents = FORMATS[name]
    content = data.draw(contents)
    ends = ends_of(records.kind, content, argument)
    stored = PACKERS[packer](content, block)
    with serving({"/input": Resource(stored)}) as server:
        split = SplitSpec(max_bytes=max(1, len(stored) // 4))
        check(outputs_of(listed([server.url("/input")]), records, split), content, ends)
