"""Tests of the headers that the planner reads, and of the errors about headers, with real files and servers."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import pytest

from kubemr_shell.errors import CorruptInput, InputError
from kubemr_shell.inputs.cutters import splits_of
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.listing import list_inputs
from kubemr_shell.inputs.looking import with_headers, with_kinds
from kubemr_shell.inputs.records.formats import RecordFormat
from kubemr_shell.inputs.records.headers import MOST_BYTES, HeaderFormat
from kubemr_shell.job.records import CSV, LINES, Records
from kubemr_shell.job.spec_mappings import HeaderSpec, SplitSpec
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_requests import GET, RequestMeter
from tests.support.archives import tar_gz_of
from tests.support.feeding import HASTY, SCRATCH, header_feed, listed, output_of
from tests.support.http_server import Resource, serving
from tests.support.s3_server import Bucket

REPEAT = HeaderSpec(mode="repeat")
DROP = HeaderSpec(mode="drop")


def outputs_of(
    objects: Sequence[InputObject],
    header: HeaderSpec,
    *,
    records: Records = LINES,
    split: SplitSpec | None = None,
    s3: S3Config | None = None,
) -> list[bytes]:
    """Return the bytes that the command of each task reads."""
    rules, store = split or SplitSpec(), s3 or S3Config()
    headers = HeaderFormat(header, records)
    found = with_kinds(objects, split=rules, parallelism=1, s3=store)
    known, contents = with_headers(found, headers, split=rules, parallelism=1, folder="/", s3=store)
    splits = splits_of(known, records, rules, parallelism=1, folder="/", scratch=SCRATCH, s3=store)
    formats = RecordFormat(records)
    return [output_of(header_feed(split, headers, formats, contents, store), is_lines=False) for split in splits]


def write(folder: Path, *contents: bytes) -> list[InputObject]:
    for number, content in enumerate(contents):
        (folder / f"{number}").write_bytes(content)
    return listed([str(folder)])


def csv_archive(*contents: bytes) -> bytes:
    return tar_gz_of((f"{number}.csv", content) for number, content in enumerate(contents))


def test_neighbours_with_one_header_share_a_task(tmp_path: Path) -> None:
    objects = write(tmp_path, b"a\n1\n", b"", gzip.compress(b"a\n2"), b"a", b"b\n3\n", b"a\n4\n")
    assert outputs_of(objects, REPEAT) == [b"a\n1\n2", b"b\n3\n", b"a\n4\n"]
    assert outputs_of(objects, DROP) == [b"1\n2\n3\n4\n"]


def test_no_cut_lies_in_a_header(tmp_path: Path) -> None:
    objects = write(tmp_path, b"header\n" * 9 + b"1\n2\n3\n4\n")
    nine = HeaderSpec(mode="repeat", lines=9)
    assert outputs_of(objects, nine, split=SplitSpec(max_bytes=4)) == [
        b"header\n" * 9 + b"1\n2\n",
        b"header\n" * 9 + b"3\n4\n",
    ]
    assert outputs_of(objects, HeaderSpec(mode="drop", prefix="h"), split=SplitSpec(max_bytes=4)) == [
        b"1\n2\n",
        b"3\n4\n",
    ]


@pytest.mark.parametrize("rest", [b"", b"\n"])
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_file_that_is_all_header_has_no_records(tmp_path: Path, rest: bytes, size: int) -> None:
    objects = write(tmp_path, b"#a\n#b" + rest)
    split = SplitSpec(max_bytes=size)
    assert outputs_of(objects, HeaderSpec(mode="repeat", prefix="#"), split=split) == [b"#a\n#b" + rest]
    assert outputs_of(objects, HeaderSpec(mode="drop", lines=5), split=split) == [b""]


def test_the_files_of_an_archive_have_one_header(tmp_path: Path) -> None:
    objects = write(tmp_path, csv_archive(b"a\n1\n", b"a\n2\n"), b"a\n3\n")
    assert outputs_of(objects, REPEAT) == [b"a\n1\n2\n", b"a\n3\n"]
    assert outputs_of(objects, DROP) == [b"1\n2\n3\n"]


def test_an_archive_with_two_headers_is_an_error_that_names_both_files(tmp_path: Path) -> None:
    objects = write(tmp_path, csv_archive(b"a\n1\n", b"b\n2\n"))
    with pytest.raises(InputError, match=r"/0/1\.csv: its header is not that of .*/0/0\.csv, and one task reads both"):
        outputs_of(objects, REPEAT)


@pytest.mark.parametrize("second", [b"a\n2\n", b"b\n2\n"])
def test_archives_can_be_in_one_group(tmp_path: Path, second: bytes) -> None:
    objects = write(tmp_path, csv_archive(b"a\n1\n"), csv_archive(second))
    group = SplitSpec(group="(.*)/.$")
    if second.startswith(b"a"):
        assert outputs_of(objects, REPEAT, split=group) == [b"a\n1\n2\n"]
    else:
        with pytest.raises(InputError, match=r"/1/0\.csv: its header is not that of .*/0/0\.csv, and one task reads"):
            outputs_of(objects, REPEAT, split=group)


@pytest.mark.parametrize("header", [REPEAT, DROP])
@pytest.mark.parametrize("split", [SplitSpec(max_bytes=1 << 20), SplitSpec(whole_files=True)])
def test_a_header_that_does_not_end_is_an_error(tmp_path: Path, header: HeaderSpec, split: SplitSpec) -> None:
    objects = write(tmp_path, b"#" * (MOST_BYTES + 1))
    with pytest.raises(InputError, match=r"/0: its header is longer than 8 MiB: correct header\.lines"):
        outputs_of(objects, header, split=split)


@pytest.mark.parametrize("split", [SplitSpec(), SplitSpec(max_bytes=4), SplitSpec(whole_files=True)])
def test_a_text_in_utf_16_is_an_error(tmp_path: Path, split: SplitSpec) -> None:
    objects = write(tmp_path, "a\n1\n".encode("utf-16"))
    with pytest.raises(InputError, match=r"/0: its byte order mark says UTF-16, in which no header can be found"):
        outputs_of(objects, DROP, split=split)


def test_a_quote_in_a_header_of_csv_that_is_never_closed_is_an_error(tmp_path: Path) -> None:
    objects = write(tmp_path, b'a,"b\n1,2\n')
    with pytest.raises(CorruptInput, match=r"/0: byte 2: the quote that opens a field here is never closed"):
        outputs_of(objects, REPEAT, records=CSV)


def test_damage_behind_a_header_has_its_offset_in_the_file(tmp_path: Path) -> None:
    objects = write(tmp_path, b'a,b\n1,2\n3,x"\n')
    with pytest.raises(CorruptInput, match=r"/0: byte 11: a quote stands in a field"):
        outputs_of(objects, DROP, records=CSV)


def test_a_url_of_unknown_size_has_a_header() -> None:
    with serving({"/x": Resource(b"a\n1\n", has_ranges=False, says_length=False)}) as server:
        assert outputs_of(listed([server.url("/x")]), REPEAT) == [b"a\n1\n"]
        assert outputs_of(listed([server.url("/x")]), DROP) == [b"1\n"]


def test_large_and_small_objects_in_s3(bucket: Bucket) -> None:
    s3 = S3Config(endpoint=bucket.server.endpoint)
    rows = b"".join(b'%d,"x\n"\n' % n for n in range(100_000))
    bucket.put("1-large", b'"a\nb",c\n' + rows)
    for number in range(20):
        bucket.put(f"2-small-{number:02}", (b"c,d\n" if number < 10 else b"d,c\n") + b"%d,\n" % number)
    bucket.put("3.gz", gzip.compress(b"d,c\n20,\n"))
    objects = list_inputs(
        [f"{bucket.uri}/"], inputs_from=None, decompress="auto", folder="/", stdin_copy=None, s3=s3, patience=HASTY
    )
    split = SplitSpec(max_bytes=300_000)
    repeated = outputs_of(objects, REPEAT, records=CSV, split=split, s3=s3)
    *large, first, second = repeated
    assert len(large) > 2
    assert all(output.startswith(b'"a\nb",c\n') for output in large)
    assert b"".join(output.removeprefix(b'"a\nb",c\n') for output in large) == rows
    assert first == b"c,d\n" + b"".join(b"%d,\n" % n for n in range(10))
    assert second == b"d,c\n" + b"".join(b"%d,\n" % n for n in range(10, 21))
    dropped = outputs_of(objects, DROP, records=CSV, split=split, s3=s3)
    assert b"".join(dropped) == rows + b"".join(b"%d,\n" % n for n in range(21))


def test_a_header_that_changes_no_plan_costs_no_request(bucket: Bucket) -> None:
    s3 = S3Config(endpoint=bucket.server.endpoint)
    for number in range(5):
        bucket.put(f"{number}", b"a\n1\n")
    objects = list_inputs(
        [f"{bucket.uri}/"], inputs_from=None, decompress="auto", folder="/", stdin_copy=None, s3=s3, patience=HASTY
    )
    group = SplitSpec(group="(.)$")
    for header, split, requests in ((DROP, SplitSpec(), 0), (REPEAT, SplitSpec(), 5), (REPEAT, group, 0)):
        meter = RequestMeter()
        meter.take()
        with_headers(objects, HeaderFormat(header), split=split, parallelism=1, folder="/", s3=s3)
        assert dict(meter.take()).get(GET, 0) == requests
