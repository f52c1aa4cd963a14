"""Tests that no task has more records than ``split.records``, whatever the format and the content."""

from __future__ import annotations

import gzip
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubemr_shell.errors import CorruptInput, InputError
from kubemr_shell.inputs.cutters import splits_of
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.records.formats import RecordFormat
from kubemr_shell.job.records import CSV, LINES, Records
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Split
from kubemr_shell.net.s3_config import S3Config
from tests.properties.record_parsers import record_ends
from tests.properties.test_records import CASES, text
from tests.support.feeding import SCRATCH, fed, listed
from tests.support.http_server import Resource, serving

FORMATS = {**CASES, "lines": (LINES, b"\n", text(b"\n", b"a", b"\r\n"))}
MANY = 1 << 40


def planned(objects: list[InputObject], records: Records, split: SplitSpec) -> list[Split]:
    splits = splits_of(objects, records, split, parallelism=2, folder="/", scratch=SCRATCH, s3=S3Config())
    return [Split.from_json(item.to_json()) for item in splits]


def ends_of(records: Records, content: bytes, argument: bytes) -> list[int]:
    """Return the ends of the records in order. Raise ValueError if the content breaks its format."""
    kind = "separator" if records.kind == "lines" else records.kind
    return sorted(record_ends(kind, content, argument) - {0})


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60)
@given(data=st.data(), most=st.integers(1, 5), max_bytes=st.just(MANY) | st.integers(1, 40))
def test_a_file_is_cut_behind_the_last_record_that_a_task_may_have(
    name: str, data: st.DataObject, most: int, max_bytes: int
) -> None:
    records, argument, contents = FORMATS[name]
    content = data.draw(contents)
    split = SplitSpec(records=most, max_bytes=max_bytes)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "input")
        with open(path, "wb") as file:
            file.write(content)
        try:
            ends = ends_of(records, content, argument)
        except ValueError:
            with pytest.raises(CorruptInput, match=r"/input: byte \d+: "):
                planned(listed([path]), records, split)
            return
        splits = planned(listed([path]), records, split)
        outputs = [fed(item, records=RecordFormat(records)) for item in splits]
    assert b"".join(outputs) == content
    parts = parts_of(ends, most, max_bytes)
    assert [len(output) for output in outputs] == (parts or [0])


def parts_of(ends: list[int], most: int, max_bytes: int) -> list[int]:
    """Return the sizes of the parts: a part has up to ``most`` records, and none that begins behind its limit."""
    sizes = []
    start = count = last = 0
    for end in ends:
        if count == most or (count and last - start >= max_bytes):
            sizes.append(last - start)
            start, count = last, 0
        last, count = end, count + 1
    return [*sizes, last - start] if count else sizes


@given(
    counts=st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=8),
    most=st.integers(1, 12),
    is_packed=st.booleans(),
)
def test_files_share_a_task_only_up_to_the_limit(counts: list[tuple[int, bool]], most: int, is_packed: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        contents = []
        for number, (lines, is_packed_file) in enumerate(counts):
            content = b"".join(b"%d %d\n" % (number, line) for line in range(lines))
            contents.append(content)
            with open(os.path.join(folder, str(number)), "wb") as file:
                file.write(gzip.compress(content) if is_packed_file else content)
        split = SplitSpec(records=most, pack=is_packed)
        if any(lines > most and is_gzip for lines, is_gzip in counts):
            with pytest.raises(InputError, match=rf"has more records than the {most} of split\.records, and a gzip"):
                planned(listed([folder]), LINES, split)
            return
        splits = planned(listed([folder]), LINES, split)
        outputs = [fed(item) for item in splits]
    assert b"".join(outputs) == b"".join(contents)
    assert all(output.count(b"\n") <= most for output in outputs)
    assert all(len(item.pieces) == 1 for item in splits) or is_packed
    assert len(splits) <= sum(max(1, -(-lines // most)) for lines, _ in counts)


@settings(max_examples=10)
@given(lines=st.lists(st.integers(0, 30), max_size=40), most=st.integers(1, 9), has_ranges=st.booleans())
def test_a_url_is_cut_if_its_server_sends_ranges(lines: list[int], most: int, has_ranges: bool) -> None:
    content = b"".join(b"x" * line + b"\n" for line in lines)
    with serving({"/input": Resource(content, has_ranges=has_ranges)}) as server:
        objects = listed([server.url("/input")])
        if not has_ranges and len(lines) > most:
            with pytest.raises(InputError, match="its server sends no ranges of bytes"):
                planned(objects, LINES, SplitSpec(records=most))
            return
        outputs = [fed(item) for item in planned(objects, LINES, SplitSpec(records=most))]
    assert b"".join(outputs) == content
    assert [output.count(b"\n") for output in outputs if output] == [
        min(most, len(lines) - start) for start in range(0, len(lines), most)
    ]


@pytest.mark.parametrize("split", [SplitSpec(records=3), SplitSpec(max_bytes=21)], ids=["records", "bytes"])
@pytest.mark.parametrize(
    ("records", "record"),
    [
        (LINES, b"a line\n"),
        (CSV, b'a,"\n",b\n'),
        (Records(kind="warc"), b"WARC/1.0\r\nContent-Length: 3\r\n\r\nabc\r\n\r\n"),
    ],
    ids=["lines", "csv", "warc"],
)
def test_a_file_that_grows_is_cut_inside_its_listed_size(
    tmp_path: Path, records: Records, record: bytes, split: SplitSpec
) -> None:
    path = tmp_path / "log"
    path.write_bytes(10 * record)
    objects = listed([str(path)])
    with path.open("ab") as file:
        file.write(4 * record + record[:-1])
    splits = planned(objects, records, split)
    pieces = [piece for item in splits for piece in item.pieces]
    assert [piece.start for piece in pieces[1:]] == [piece.end for piece in pieces[:-1]]
    assert all(piece.end is not None and piece.start < piece.end <= 10 * len(record) for piece in pieces)
    assert b"".join(fed(item, records=RecordFormat(records)) for item in splits) == 10 * record


def test_a_compressed_file_that_grows_is_counted_up_to_its_listed_size(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b"1\n2\n"))
    objects = listed([str(path)])
    with path.open("ab") as file:
        file.write(gzip.compress(b"3\n"))
    (split,) = planned(objects, LINES, SplitSpec(records=2))
    assert fed(split) == b"1\n2\n"
