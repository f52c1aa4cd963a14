"""Tests that headers are repeated or dropped as the job asks, and that all other records are read exactly once."""

from __future__ import annotations

import gzip
import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubemr_shell.inputs.cutters import cutter_of
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.looking import with_headers
from kubemr_shell.inputs.records.formats import RecordFormat
from kubemr_shell.inputs.records.headers import HeaderFormat
from kubemr_shell.inputs.splits import plan_splits
from kubemr_shell.job.records import CSV, LINES, Records
from kubemr_shell.job.spec_mappings import HeaderSpec, SplitSpec
from kubemr_shell.job.split import Split
from kubemr_shell.net.s3_config import S3Config
from tests.properties.record_parsers import record_ends
from tests.support.feeding import header_feed, listed, output_of
from tests.support.http_server import Resource, serving

Mode: TypeAlias = Literal["repeat", "drop"]
MARK = b"\xef\xbb\xbf"
END = st.sampled_from([b"\n", b"\r\n"])
LINE = st.builds(bytes.__add__, st.sampled_from([b"", b"#", b"#a,b", MARK + b"#", b"1,2", b"long" * 20]), END)
FIELD = st.sampled_from([b"", b"a", b"#b", b"long" * 9, b'"x"', b'"\n"', b'"a\r\n""b"', b'"#,\n\n"'])
ROW = st.builds(lambda fields, end: b",".join(fields) + end, st.lists(FIELD, min_size=1, max_size=3), END)
PLAIN_ROW = st.builds(bytes.__add__, st.sampled_from([b"1,", b'"#",']), ROW)


def content(rows: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Contents of files, some without the last line end, some with a byte order mark."""
    whole = st.lists(rows, max_size=12).map(b"".join)
    return whole | whole.map(lambda text: text.removesuffix(b"\n")) | whole.map(lambda text: MARK + text)


HEADERS = st.integers(1, 4).map(lambda lines: HeaderSpec(mode="repeat", lines=lines))
PREFIXED = st.sampled_from([HeaderSpec(mode="repeat", prefix="#"), HeaderSpec(mode="repeat", prefix="#a")])
CASES = {
    "lines": (LINES, content(LINE), HEADERS | PREFIXED),
    "csv": (CSV, content(ROW), HEADERS),
    "csv with comments": (
        CSV,
        st.builds(bytes.__add__, st.sampled_from([b"", b'#"\n', b'#it"s\n##\n']), st.lists(PLAIN_ROW).map(b"".join)),
        st.just(HeaderSpec(mode="repeat", prefix="#")),
    ),
}


class Parsed(NamedTuple):
    header: bytes
    records: list[bytes]


def records_of(content: bytes, records: Records) -> list[bytes]:
    """Return the records, each with a line end."""
    kind, separator = ("csv", b"") if records.kind == "csv" else ("separator", b"\n")
    mark = len(MARK) if content.startswith(MARK) else 0
    ends = {end + mark for end in record_ends(kind, content[mark:], separator)} - {0}
    found = [content[start:end] for start, end in pairwise([0, *sorted(ends)])]
    return [record if record.endswith(b"\n") else record + b"\n" for record in found]


def parsed(content: bytes, header: HeaderSpec, records: Records) -> Parsed:
    """Return the header and the records of a file, by a plain sequential parser."""
    if header.prefix is None:
        found = records_of(content, records)
        return Parsed(b"".join(found[: header.lines]), found[header.lines :])
    end = 0
    for line in records_of(content, LINES):
        if not line.removeprefix(MARK if end == 0 else b"").startswith(header.prefix.encode()):
            break
        end += len(line)
    size = min(end, len(content))
    head = content[:size]
    return Parsed(head + b"\n" if head and not head.endswith(b"\n") else head, records_of(content[size:], records))


def outputs_of(
    objects: Sequence[InputObject], header: HeaderSpec, records: Records, split: SplitSpec
) -> list[tuple[Split, bytes, int]]:
    """Return each split, the bytes that its command reads, and the number of records that were counted."""
    headers = HeaderFormat(header, records)
    objects, contents = with_headers(objects, headers, split=split, parallelism=2, folder="/", s3=S3Config())
    cutter = cutter_of(records, folder="/", s3=S3Config())
    found = []
    for planned in plan_splits(objects, split=split, parallelism=2, cutter=cutter):
        one = Split.from_json(planned.to_json())
        feed = header_feed(one, headers, RecordFormat(records), contents)
        output = output_of(feed, is_lines=False)
        found.append((one, output, feed.records_fed))
    return found


def check(found: list[tuple[Split, bytes, int]], files: dict[str, Parsed], mode: str, records: Records) -> None:
    read: list[bytes] = []
    for split, output, count in found:
        of_split = [files[piece.uri] for piece in split.pieces if files[piece.uri] != Parsed(b"", [])]
        headers = {file.header for file in of_split}
        body = output
        if mode == "repeat" and of_split:
            assert len(headers) == 1
            (header,) = headers
            assert output.startswith(header) or output == header.removesuffix(b"\n")
            body = output[len(header) :]
        records_here = records_of(body, records)
        assert count == len(records_here)
        read += records_here
    assert read == [record for file in files.values() for record in file.records]


SPLITS = st.builds(
    lambda size, pack, whole: SplitSpec(whole_files=True) if whole else SplitSpec(max_bytes=size, pack=pack),
    st.integers(1, 200),
    st.booleans(),
    st.integers(0, 5).map(lambda number: number == 0),
)


@pytest.mark.parametrize("mode", ["repeat", "drop"])
@pytest.mark.parametrize("name", CASES)
@settings(max_examples=50)
@given(data=st.data(), split=SPLITS)
def test_headers_of_files(name: str, mode: Mode, data: st.DataObject, split: SplitSpec) -> None:
    records, contents, headers = CASES[name]
    header = replace(data.draw(headers), mode=mode)
    drawn = data.draw(st.lists(st.tuples(contents, st.booleans()), min_size=1, max_size=5))
    with tempfile.TemporaryDirectory() as folder:
        files: dict[str, Parsed] = {}
        for number, (text, is_packed) in enumerate(drawn):
            path = os.path.join(folder, f"{number}")
            files[path] = parsed(text, header, records)
            with open(path, "wb") as file:
                file.write(gzip.compress(text) if is_packed else text)
        check(outputs_of(listed([folder]), header, records, split), files, mode, records)


@pytest.mark.parametrize("mode", ["repeat", "drop"])
@pytest.mark.parametrize("name", CASES)
@settings(max_examples=8)
@given(data=st.data(), split=SPLITS)
def test_headers_of_urls(name: str, mode: Mode, data: st.DataObject, split: SplitSpec) -> None:
    records, contents, headers = CASES[name]
    header = replace(data.draw(headers), mode=mode)
    texts = data.draw(st.lists(contents, min_size=1, max_size=3))
    with serving({f"/{number}": Resource(text) for number, text in enumerate(texts)}) as server:
        files = {server.url(f"/{number}"): parsed(text, header, records) for number, text in enumerate(texts)}
        check(outputs_of(listed(list(files)), header, records, split), files, mode, records)
