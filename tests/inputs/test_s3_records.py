"""Tests that S3 objects are cut between records, in each format."""

from __future__ import annotations

import pytest

from kubemr_shell.errors import CorruptInput, InputError
from kubemr_shell.inputs.cutters import cutter_of, splits_of
from kubemr_shell.inputs.feed import SplitFeed
from kubemr_shell.inputs.listing import list_inputs
from kubemr_shell.inputs.looking import with_kinds
from kubemr_shell.inputs.records.formats import RecordFormat
from kubemr_shell.inputs.splits import plan_splits
from kubemr_shell.job.records import CSV, LINES, Records
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.net.s3_config import S3Config
from tests.properties.record_parsers import record_ends
from tests.support.feeding import HASTY, SCRATCH, output_of
from tests.support.s3_server import Bucket

ROWS = b"".join(b'%d,"text\n,""%d"" %s"\n' % (n, n, b"x\n" * (n % 50)) for n in range(20_000))
READS = b"".join(b"@r%d\n%s\n+\n%s\n" % (n, b"ACGT" * (n % 30), b"@+>I" * (n % 30)) for n in range(20_000))
NAMES = b"".join(b"folder\n%d/file %d\0" % (n % 7, n) for n in range(60_000))
PAGES = b"".join(
    b"WARC/1.0\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n" % (n % 700, b"\n" * (n % 700)) for n in range(4_000)
)
SEQUENCES = b"".join(b">s%d\n%s" % (n, b"ACGT\n" * (n % 40)) for n in range(10_000))
BLOCKS = b"".join(b"BEGIN %d\n%s" % (n, b"\n line\n" * (n % 30)) for n in range(12_000))
FIXED = b"".join(b"%0511d\n" % n for n in range(3_000))


def outputs_of(bucket: Bucket, records: Records) -> list[bytes]:
    """Return the bytes that the commands of all tasks read."""
    s3 = S3Config(endpoint=bucket.server.endpoint)
    objects = list_inputs(
        [f"{bucket.uri}/x"], inputs_from=None, decompress="auto", folder="/", stdin_copy=None, s3=s3, patience=HASTY
    )
    rules = SplitSpec(max_bytes=300_000)
    objects = with_kinds(objects, split=rules, parallelism=1, s3=s3)
    cutter = cutter_of(records, folder="/", s3=s3)
    splits = list(plan_splits(objects, split=rules, parallelism=1, cutter=cutter))
    assert len(splits) > 3
    feeds = [
        SplitFeed(split, folder="/", scratch=SCRATCH, s3=s3, records=RecordFormat(records), patience=HASTY)
        for split in splits
    ]
    return [output_of(feed, is_lines=False) for feed in feeds]


@pytest.mark.parametrize(
    ("records", "argument", "content"),
    [
        (CSV, b"", ROWS),
        (Records(kind="fastq"), b"", READS),
        (Records(kind="nul"), b"", NAMES),
        (Records(kind="warc"), b"", PAGES),
        (Records(kind="fasta"), b"", SEQUENCES),
        (Records(kind="start", start="^BEGIN"), b"^BEGIN", BLOCKS),
        (Records(kind="paragraph"), b"", BLOCKS),
        (Records(kind="separator", separator=b"\nBEGIN"), b"\nBEGIN", BLOCKS),
        (Records(kind="bytes", size=512), b"512", FIXED),
    ],
    ids=lambda value: value.kind if isinstance(value, Records) else "",
)
def test_a_large_object_is_cut_between_records(
    bucket: Bucket, records: Records, argument: bytes, content: bytes
) -> None:
    bucket.put("x", content)
    outputs = outputs_of(bucket, records)
    assert b"".join(outputs) == content
    ends = record_ends(records.kind, content, argument)
    position = 0
    for output in outputs:
        position += len(output)
        assert position in ends


def test_an_object_with_an_odd_number_of_quotes_is_an_error_of_the_plan(bucket: Bucket) -> None:
    bucket.put("x", ROWS + b'1,"cut')
    with pytest.raises(CorruptInput, match=rf"/x: byte {len(ROWS) + 2}: the number of quotes in this CSV file is odd"):
        outputs_of(bucket, CSV)


def test_objects_have_tasks_of_a_limited_number_of_records(bucket: Bucket) -> None:
    contents = {f"x/{number}": b"line\n" * lines for number, lines in enumerate((3, 4, 0, 25, 2, 200_000))}
    for key, content in contents.items():
        bucket.put(key, content)
    s3 = S3Config(endpoint=bucket.server.endpoint)
    objects = list_inputs(
        [f"{bucket.uri}/x/"], inputs_from=None, decompress="auto", folder="/", stdin_copy=None, s3=s3, patience=HASTY
    )
    rules = SplitSpec(records=10)
    objects = with_kinds(objects, split=rules, parallelism=1, s3=s3)
    splits = list(splits_of(objects, LINES, rules, parallelism=1, folder="/", scratch=SCRATCH, s3=s3))
    assert [[piece.uri.rpartition("/")[2] for piece in split.pieces] for split in splits[:5]] == [
        ["0", "1", "2"],
        ["3"],
        ["3"],
        ["3"],
        ["4"],
    ]
    assert len(splits) == 5 + 20_000
    feeds = [SplitFeed(split, folder="/", scratch=SCRATCH, s3=s3, patience=HASTY) for split in splits[:8]]
    assert [output_of(feed).count(b"\n") for feed in feeds] == [7, 10, 10, 5, 2, 10, 10, 10]


@pytest.mark.parametrize("decompress", ["auto", "none"])
def test_a_text_in_utf_16_is_not_cut_after_a_number_of_records(bucket: Bucket, decompress: str) -> None:
    bucket.put("x", ("\u0a0a" * 20).encode("utf-16"))
    s3 = S3Config(endpoint=bucket.server.endpoint)
    objects = list_inputs(
        [f"{bucket.uri}/x"], inputs_from=None, decompress=decompress, folder="/", stdin_copy=None, s3=s3, patience=HASTY
    )
    splits = splits_of(objects, LINES, SplitSpec(records=5), parallelism=1, folder="/", scratch=SCRATCH, s3=s3)
    with pytest.raises(InputError, match=r"/x: has more records .*, and a file in UTF-16 or UTF-32 is not cut"):
        list(splits)
