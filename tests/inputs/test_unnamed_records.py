"""Tests that an input whose records have several lines is not cut if the job names no format of records."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from kubemr_shell.errors import CorruptInput, InputError, KubemrError
from kubemr_shell.inputs.cutters import splits_of
from kubemr_shell.inputs.listing import list_inputs
from kubemr_shell.inputs.looking import with_kinds
from kubemr_shell.inputs.records.formats import RecordFormat
from kubemr_shell.job.records import LINES, Records
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Split
from kubemr_shell.net.s3_config import S3Config
from tests.support.compressed import bgzf
from tests.support.feeding import HASTY, SCRATCH, fed
from tests.support.http_server import Resource, serving
from tests.support.s3_server import Bucket

READS = b"".join(b"@r%d\nACGT\n+\n@+>I\n" % n for n in range(500))
ROWS = b"".join(b'%d,"one line"\n' % n for n in range(20_000)) + b"".join(
    b'%d,"two\nlines, and ""more"" of %d"\n' % (n, n) for n in range(2_000)
)
SMALL = SplitSpec(max_bytes=1000)


def splits(
    uri: str,
    records: Records | None,
    split: SplitSpec = SMALL,
    s3: S3Config = S3Config(),  # noqa: B008
) -> list[Split]:
    objects = list_inputs(
        [uri], inputs_from=None, decompress="auto", folder="/", stdin_copy=None, s3=s3, patience=HASTY
    )
    objects = with_kinds(objects, split=split, parallelism=1, s3=s3)
    return list(splits_of(objects, records, split, parallelism=1, folder="/", scratch=SCRATCH, s3=s3))


def assert_refused(uri: str, s3: S3Config = S3Config()) -> None:  # noqa: B008
    with pytest.raises(InputError, match="reads: looks like FASTQ and would be cut between any two lines") as error:
        splits(uri, None, s3=s3)
    assert "--records 'fastq'" in str(error.value)
    assert len(splits(uri, LINES, s3=s3)) > 2
    assert len(splits(uri, Records(kind="fastq"), s3=s3)) > 2


def test_a_local_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reads").write_bytes(READS)
    assert_refused(str(tmp_path / "reads"))


def test_a_file_behind_a_url_is_refused() -> None:
    with serving({"/reads": Resource(READS)}) as server:
        assert_refused(server.url("/reads"))


def test_an_object_in_s3_is_refused(bucket: Bucket) -> None:
    bucket.put("reads", READS)
    assert_refused(f"{bucket.uri}/reads", S3Config(endpoint=bucket.server.endpoint))


def test_a_compressed_file_is_refused_only_if_it_is_cut(tmp_path: Path) -> None:
    (tmp_path / "reads.gz").write_bytes(gzip.compress(READS))
    assert len(splits(str(tmp_path / "reads.gz"), None)) == 1
    (tmp_path / "reads").write_bytes(bgzf(READS, 500, 0))
    assert_refused(str(tmp_path / "reads"))


def test_split_records_refuses_a_file_only_if_it_is_cut(tmp_path: Path) -> None:
    (tmp_path / "reads").write_bytes(READS)
    with pytest.raises(InputError, match="looks like FASTQ"):
        splits(str(tmp_path / "reads"), None, SplitSpec(records=1999))
    assert len(splits(str(tmp_path / "reads"), None, SplitSpec(records=2000))) == 1
    (tmp_path / "reads.gz").write_bytes(gzip.compress(READS))
    assert len(splits(str(tmp_path / "reads.gz"), None, SplitSpec(records=2000))) == 1


def test_a_file_as_large_as_a_split_is_not_cut(tmp_path: Path) -> None:
    (tmp_path / "reads").write_bytes(READS)
    assert len(splits(str(tmp_path / "reads"), None, SplitSpec(max_bytes=len(READS)))) == 1
    with pytest.raises(InputError, match="looks like FASTQ"):
        splits(str(tmp_path / "reads"), None, SplitSpec(max_bytes=len(READS) - 1))


@pytest.mark.parametrize("split", [SplitSpec(), SplitSpec(whole_files=True)])
def test_a_file_that_is_not_cut_is_read(tmp_path: Path, split: SplitSpec) -> None:
    (tmp_path / "reads").write_bytes(READS)
    assert len(splits(str(tmp_path / "reads"), None, split)) == 1


@pytest.mark.parametrize(("end", "is_refused"), [(b"", True), (b"\n", False)])
def test_nul_bytes_are_a_sign_only_if_the_file_ends_with_one(tmp_path: Path, end: bytes, is_refused: bool) -> None:
    (tmp_path / "names").write_bytes(b"a\0b\nc\0" * 500 + end)
    if is_refused:
        with pytest.raises(InputError, match="names: has NUL bytes, ends with a NUL byte"):
            splits(str(tmp_path / "names"), None)
    else:
        assert len(splits(str(tmp_path / "names"), None)) > 1


def test_all_files_are_named(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(READS)
    with pytest.raises(KubemrError, match=r"(?s)a: looks like FASTQ.*b: looks like FASTQ"):
        splits(str(tmp_path), None)


@pytest.mark.parametrize(("name", "pack"), [("t.csv", bytes), ("t.csv.gz", lambda rows: bgzf(rows, 3001, 0))])
def test_csv_that_is_cut_within_quotes_behind_its_beginning_is_damage(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    (tmp_path / name).write_bytes(pack(ROWS))
    planned = splits(str(tmp_path / name), None, SplitSpec(max_bytes=4001))
    assert len(planned) > 10
    with pytest.raises(CorruptInput, match=r"t.csv.*: byte \d+: from here on the split has an odd number of quotes"):
        [fed(split, records=RecordFormat(None)) for split in planned]
    for split in planned:
        fed(split, records=RecordFormat(LINES))


def test_csv_whose_quotes_hold_no_line_ends_is_cut(tmp_path: Path) -> None:
    rows = ROWS[: 20_000 * 10]
    content = rows[: rows.rindex(b"\n") + 1]
    (tmp_path / "t.csv").write_bytes(content)
    planned = splits(str(tmp_path / "t.csv"), None, SplitSpec(max_bytes=4001))
    assert len(planned) > 10
    assert b"".join(fed(split, records=RecordFormat(None)) for split in planned) == content
