"""Tests that each format is cut only between records, and that the pieces together are the file."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kubemr_shell.errors import CorruptInput
from kubemr_shell.inputs.cutters import cutter_of
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.records.formats import RecordFormat
from kubemr_shell.inputs.splits import plan_splits
from kubemr_shell.job.records import CSV, Records
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Split
from kubemr_shell.net.s3_config import S3Config
from tests.properties.record_parsers import record_ends
from tests.support.feeding import fed, listed
from tests.support.http_server import Resource, serving

END = st.sampled_from([b"\n", b"\r\n"])


def text(*symbols: bytes) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(symbols), max_size=60).map(b"".join)


SEQUENCE = st.text("ACGTN", max_size=30).map(str.encode)
QUALITY = st.sampled_from([b"@", b"+", b">", b"I"])
READS = st.lists(
    st.tuples(SEQUENCE, st.lists(QUALITY, min_size=30, max_size=30), END).map(
        lambda read: read[2].join([b"@n @", read[0], b"+n", b"".join(read[1][: len(read[0])]), b""])
    ),
    max_size=8,
).map(b"".join)
FIELD = st.one_of(
    st.sampled_from([b"", b"a", b"\r", b"long" * 9]),
    text(b"\n", b"\r\n", b'""', b",", b"x").map(lambda inner: b'"' + inner + b'"'),
)
ROWS = st.lists(st.tuples(st.lists(FIELD, min_size=1, max_size=3), END), max_size=10).map(
    lambda rows: b"".join(b",".join(fields) + end for fields, end in rows)
)
WARC_HEADER = st.sampled_from([b"WARC/1.0\r\n", b"WARC/1.1\r\nWARC-Type: response\r\nX: Content-Length: 7\r\n"])
WARC_CONTENT = text(b"\r\n", b"\r\n\r\n", b"WARC/1.0\r\nContent-Length: 1\r\n\r\n", b"\n", b"a")
WARC_RECORD = st.tuples(WARC_HEADER, st.sampled_from([b"Content-Length: ", b"content-length:"]), WARC_CONTENT).map(
    lambda parts: b"%s%s%d\r\n\r\n%s\r\n\r\n" % (parts[0], parts[1], len(parts[2]), parts[2])
)
WARC = st.lists(WARC_RECORD, max_size=8).map(b"".join)
CASES: dict[str, tuple[Records, bytes, st.SearchStrategy[bytes]]] = {
    "nul": (Records(kind="nul"), b"", text(b"\0", b"\n", b"a")),
    "separator": (Records(kind="separator", separator=b"$$$$\n"), b"$$$$\n", text(b"$", b"$$$$\n", b"\n", b"a")),
    "one byte": (Records(kind="separator", separator=b";"), b";", text(b";", b"\n", b"a")),
    "overlap": (Records(kind="separator", separator=b"aa"), b"aa", text(b"a", b"aa", b"b", b"bb")),
    "longer overlap": (Records(kind="separator", separator=b"abab"), b"abab", text(b"a", b"b", b"ab", b"abab", b"c")),
    "bytes": (Records(kind="bytes", size=7), b"7", st.integers(0, 20).map(lambda n: b"\n123456" * n)),
    "paragraph": (Records(kind="paragraph"), b"", text(b"\n", b"\r\n", b"\r", b"a", b"line\n")),
    "start": (Records(kind="start", start="^B"), b"^B", text(b"B", b"\n", b"\r\n", b"a", b"\nB", b"bB")),
    "fasta": (Records(kind="fasta"), b"", text(b">", b";", b"\n", b"\r\n", b"ACGT\n", b">x\n")),
    "fastq": (Records(kind="fastq"), b"", READS),
    "fastq without its last line end": (Records(kind="fastq"), b"", READS.map(lambda reads: reads.removesuffix(b"\n"))),
    "warc": (Records(kind="warc"), b"", WARC),
    "damaged warc": (Records(kind="warc"), b"", st.tuples(WARC, WARC_CONTENT, WARC).map(b"".join)),
    "warc that was cut": (Records(kind="warc"), b"", st.tuples(WARC, st.integers(1, 200)).map(lambda w: w[0][: -w[1]])),
    "csv": (CSV, b"", ROWS | ROWS.map(lambda rows: rows[:-1]) | text(b'"', b",", b"\n", b"\r", b"a")),
}


def planned(objects: list[InputObject], records: Records, split: SplitSpec) -> list[Split]:
    """Return the splits through their lines of JSON, as workers get them."""
    cutter = cutter_of(records, folder="/", s3=S3Config())
    splits = plan_splits(objects, split=split, parallelism=2, cutter=cutter)
    return [Split.from_json(item.to_json()) for item in splits]


def outputs_of(objects: list[InputObject], records: Records, split: SplitSpec) -> list[bytes]:
    return [fed(item, records=RecordFormat(records)) for item in planned(objects, records, split)]


def check(outputs: list[bytes], content: bytes, ends: set[int]) -> None:
    assert b"".join(outputs) == content
    position = 0
    for output in outputs:
        position += len(output)
        assert position in ends | {0}


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=80)
@given(data=st.data(), max_bytes=st.integers(1, 60))
def test_the_pieces_of_a_file_are_whole_records_and_together_the_file(
    name: str, data: st.DataObject, max_bytes: int
) -> None:
    records, argument, contents = CASES[name]
    content = data.draw(contents)
    try:
        ends = record_ends(records.kind, content, argument)
    except ValueError:
        ends = set()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "input")
        with open(path, "wb") as file:
            file.write(content)
        split = SplitSpec(max_bytes=max(max_bytes, len(content) // 20))
        if not ends:
            with pytest.raises(CorruptInput, match=r"/input: byte \d+: "):
                outputs_of(listed([path]), records, split)
        else:
            check(outputs_of(listed([path]), records, split), content, ends)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=10)
@given(data=st.data(), max_bytes=st.integers(1, 60))
def test_the_pieces_of_a_url_are_whole_records(name: str, data: st.DataObject, max_bytes: int) -> None:
    records, argument, contents = CASES[name]
    content = data.draw(contents)
    try:
        ends = record_ends(records.kind, content, argument)
    except ValueError:
        assume(False)
        return
    with serving({"/input": Resource(content)}) as server:
        split = SplitSpec(max_bytes=max(max_bytes, len(content) // 6))
        check(outputs_of(listed([server.url("/input")]), records, split), content, ends)


@pytest.mark.parametrize("name", ["nul", "separator", "paragraph", "start", "fasta", "fastq", "warc", "csv"])
@settings(max_examples=20)
@given(data=st.data())
def test_packed_files_keep_their_records_apart(name: str, data: st.DataObject) -> None:
    records, argument, contents = CASES[name]
    files = [content for content in data.draw(st.lists(contents, min_size=1, max_size=4)) if content]
    try:
        counts = [len(record_ends(records.kind, content, argument)) for content in files]
    except ValueError:
        assume(False)
        return
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(files):
            with open(os.path.join(folder, f"{number}"), "wb") as file:
                file.write(content)
        if not files:
            return
        (output,) = outputs_of(listed([folder]), records, SplitSpec())
    if name not in ("paragraph", "start", "fasta"):  # lines before a first start belong to the record before
        assert len(record_ends(records.kind, output, argument)) == sum(counts)
    at = 0
    for content in files:
        at = output.index(content, at) + len(content)


def test_the_records_of_each_format_are_counted() -> None:
    contents: dict[str, tuple[bytes, int]] = {
        "nul": (b"a\nb\0c\0d", 3),
        "separator": (b"a$$$$\n$$$$\nb", 3),
        "overlap": (b"aaaab", 3),
        "bytes": (b"1234567" * 3, 3),
        "paragraph": (b"\n\na\nb\n\n\nc\r\n\r\nd", 3),
        "start": (b"x\nBa\nb\nB", 3),
        "fasta": (b">a\nAC\n>b\n;c\nG", 3),
        "fastq": (b"@a\nA\n+\n@\n@b\n\n+\n\n@c\nAA\n+\n++\n", 3),
        "warc": (b"WARC/1.0\r\nContent-Length: 5\r\n\r\n\r\n\r\na\r\n\r\n" * 3, 3),
        "csv": (b'a,"b\n"\n"""",c\nd', 3),
    }
    counted: dict[str, Any] = {}
    for name, (content, _) in contents.items():
        scanner = RecordFormat(CASES[name][0]).scanner()
        for at in range(0, len(content), 2):
            scanner.scan(content[at : at + 2])
        scanner.end()
        counted[name] = scanner.records
    assert counted == {name: count for name, (_, count) in contents.items()}
