"""Tests of jobs and readers of WARC files: what is damage, and what is compressed."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from kubemr_shell.errors import CorruptInput
from kubemr_shell.inputs.cutters import cutter_of
from kubemr_shell.inputs.records.formats import RecordFormat
from kubemr_shell.inputs.records.warc import LONGEST_HEADER
from kubemr_shell.inputs.splits import plan_splits
from kubemr_shell.job.records import Records
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.net.s3_config import S3Config
from tests.support.feeding import fed, listed

WARC = Records(kind="warc")


def record(content: bytes) -> bytes:
    return b"WARC/1.0\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n" % (len(content), content)


def outputs_of(path: Path, *, most: int = 1 << 20) -> list[bytes]:
    split = SplitSpec(max_bytes=most)
    cutter = cutter_of(WARC, folder="/", s3=S3Config())
    splits = plan_splits(listed([str(path)]), split=split, parallelism=1, cutter=cutter)
    return [fed(one, records=RecordFormat(WARC)) for one in splits]


@pytest.mark.parametrize("most", [1 << 20, 60])
@pytest.mark.parametrize(
    ("content", "at", "reason"),
    [
        (b"x" * 70, 0, "a WARC record must begin with WARC/ here"),
        (record(b"") + b"WARC/1.0\r\nContent-Length: 5\r\n\r\nabc", 35, "the file ends within the WARC record"),
        (record(b"") + record(b"abc")[:-1], 35, "the file ends within the WARC record"),
        (
            record(b"a") + b"WARC/1.0\r\nX: 1\r\n\r\n" + record(b"a"),
            36,
            "has 0 lines with a Content-Length in bytes, not one",
        ),
        (b"WARC/1.0\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na\r\n\r\n" * 2, 0, "has 2 lines with a Content-L"),
        (record(b"abc").replace(b"3", b"2") * 3, 0, "two line ends .* must follow the content of the WARC record"),
        (b"WARC/1.0\r\n" + b"X: 1\r\n" * (LONGEST_HEADER // 6), 0, "no empty line .* ends the header"),
    ],
)
def test_a_damaged_record_is_named(tmp_path: Path, most: int, content: bytes, at: int, reason: str) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(CorruptInput, match=rf"/x: byte {at}: .*{reason}"):
        outputs_of(tmp_path / "x", most=max(most, len(content) // 100))


def test_a_long_content_is_passed_over(tmp_path: Path) -> None:
    records = [record(b"WARC/1.0\r\n\r\n" * 20_000), record(b""), record(b"\n" * 200_000)]
    (tmp_path / "x").write_bytes(b"".join(records))
    assert outputs_of(tmp_path / "x", most=100_000) == [records[0], records[1] + records[2]]


def test_records_may_be_compressed_alone_or_together(tmp_path: Path) -> None:
    records = [record(b"content %d\n" % number) for number in range(50)]
    (tmp_path / "alone.warc.gz").write_bytes(b"".join(gzip.compress(one) for one in records))
    (tmp_path / "together.warc.gz").write_bytes(gzip.compress(b"".join(records)))
    for name in ("alone.warc.gz", "together.warc.gz"):
        assert outputs_of(tmp_path / name) == [b"".join(records)]
    (tmp_path / "cut.warc.gz").write_bytes(gzip.compress(b"".join(records)[:-1]))
    with pytest.raises(CorruptInput, match=r"/cut.warc.gz: byte \d+: the file ends within the WARC record"):
        outputs_of(tmp_path / "cut.warc.gz")
