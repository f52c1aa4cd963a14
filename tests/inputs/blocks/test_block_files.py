"""Tests of compressed files as the plan cuts them, and of the readers of their pieces."""

from __future__ import annotations

import gzip
import os
import random
import re
import subprocess
from pathlib import Path

import pytest
import zstandard

from kubemr_shell.errors import CorruptInput, InputError
from kubemr_shell.inputs.cutters import cutter_of
from kubemr_shell.inputs.feed import SplitFeed
from kubemr_shell.inputs.listing import list_inputs
from kubemr_shell.inputs.looking import with_kinds
from kubemr_shell.inputs.records.formats import RecordFormat
from kubemr_shell.inputs.splits import plan_splits
from kubemr_shell.job.records import CSV, LINES, Records
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Split
from kubemr_shell.net.s3_config import S3Config
from tests.support.compressed import END_OF_BGZF, PACKERS, bgzf
from tests.support.feeding import HASTY, SCRATCH, fed, listed, output_of
from tests.support.http_server import Resource, serving
from tests.support.s3_server import Bucket

CONTENT = b"".join(b"%d %x\n" % (number, random.Random(number).getrandbits(80)) for number in range(40_000))
BLOCKS = 20
READS = Records(kind="fastq")


def planned(path: str, stored: int, *, records: Records = LINES, pieces: int = 10) -> list[Split]:
    """Return the splits of the file or URL ``path``, whose size is ``stored``."""
    cutter = cutter_of(records, folder="/", s3=S3Config())
    rules = SplitSpec(max_bytes=-(-stored // pieces))
    return list(plan_splits(listed([path]), split=rules, parallelism=1, cutter=cutter))


def pieces_of(folder: Path, stored: bytes, *, records: Records = LINES, pieces: int = 10) -> list[Split]:
    (folder / "x").write_bytes(stored)
    return planned(str(folder / "x"), len(stored), records=records, pieces=pieces)


@pytest.mark.parametrize("packer", PACKERS)
def test_a_file_of_blocks_is_read_by_several_tasks(tmp_path: Path, packer: str) -> None:
    splits = pieces_of(tmp_path, PACKERS[packer](CONTENT, len(CONTENT) // BLOCKS))
    assert len(splits) == 10
    assert b"".join(fed(split) for split in splits) == CONTENT


@pytest.mark.parametrize("packer", PACKERS)
def test_a_url_is_read_in_ranges(packer: str) -> None:
    stored = PACKERS[packer](CONTENT, len(CONTENT) // BLOCKS)
    with serving({"/x": Resource(stored)}) as server:
        splits = planned(server.url("/x"), len(stored))
        assert len(splits) == 10
        assert b"".join(fed(split) for split in splits) == CONTENT


@pytest.mark.parametrize("packer", PACKERS)
def test_an_object_in_s3_is_read_in_ranges(bucket: Bucket, packer: str) -> None:
    stored = PACKERS[packer](CONTENT, len(CONTENT) // BLOCKS)
    bucket.put("x", stored)
    s3 = S3Config(endpoint=bucket.server.endpoint)
    objects = list_inputs(
        [f"{bucket.uri}/x"], inputs_from=None, decompress="auto", folder="/", stdin_copy=None, s3=s3, patience=HASTY
    )
    rules = SplitSpec(max_bytes=-(-len(stored) // 10))
    objects = with_kinds(objects, split=rules, parallelism=1, s3=s3)
    splits = list(plan_splits(objects, split=rules, parallelism=1, cutter=cutter_of(LINES, folder="/", s3=s3)))
    assert len(splits) == 10
    feeds = [SplitFeed(split, folder="/", scratch=SCRATCH, s3=s3, patience=HASTY) for split in splits]
    assert b"".join(output_of(feed) for feed in feeds) == CONTENT


def test_a_record_longer_than_many_pieces_belongs_to_one_of_them(tmp_path: Path) -> None:
    content = b"first\n" + os.urandom(9_000_000).replace(b"\n", b"") + b"\nlast\n"
    for packer in ("bgzf", "zstd"):
        splits = pieces_of(tmp_path, PACKERS[packer](content, 60_000), pieces=20)
        outputs = [fed(split) for split in splits]
        assert len(splits) == 20
        assert b"".join(outputs) == content
        assert [len(output) > 0 for output in outputs] == [True, *[False] * 18, True]


@pytest.mark.parametrize("packer", PACKERS)
def test_a_file_that_was_cut_is_an_error_of_a_task(tmp_path: Path, packer: str) -> None:
    stored = PACKERS[packer](CONTENT, len(CONTENT) // BLOCKS).removesuffix(END_OF_BGZF)
    if packer == "zstd seek table":
        stored = stored[: -9 - 8 * (BLOCKS + 1)]
    for missing in (13, 5 * len(stored) // BLOCKS // 2):
        with pytest.raises(CorruptInput, match=r"/x: (before )?byte \d+: "):
            b"".join(fed(split) for split in pieces_of(tmp_path, stored[: len(stored) - missing]))


@pytest.mark.parametrize("packer", ["bgzf", "bzip2", "lz4", "xz"])  # the others have no checksums
def test_damage_in_the_middle_is_an_error_of_a_task(tmp_path: Path, packer: str) -> None:
    stored = bytearray(PACKERS[packer](CONTENT, len(CONTENT) // BLOCKS))
    splits = pieces_of(tmp_path, bytes(stored))
    stored[len(stored) // 2] ^= 4
    state = os.stat(tmp_path / "x")
    (tmp_path / "x").write_bytes(stored)
    os.utime(tmp_path / "x", ns=(state.st_atime_ns, state.st_mtime_ns))
    with pytest.raises(CorruptInput, match=r"/x: (before )?byte \d+: "):
        b"".join(fed(split) for split in splits)


def test_a_seek_table_that_is_wrong_is_an_error_of_a_task(tmp_path: Path) -> None:
    stored = bytearray(PACKERS["zstd seek table"](CONTENT, len(CONTENT) // BLOCKS))
    table = len(stored) - 9 - 8 * BLOCKS
    for entry in (table, table + 8 * 10):
        size = int.from_bytes(stored[entry : entry + 4], "little")
        stored[entry : entry + 4] = (size + (7 if entry == table else -7)).to_bytes(4, "little")
    splits = pieces_of(tmp_path, bytes(stored))
    assert len(splits) > 1
    assert _advice_of(splits[0]) == "the planner found a block here, but the blocks before do not end here"
    assert _advice_of(splits[1]) == "the planner found a block here"


def _advice_of(split: Split) -> str:
    """Return the advice of the error of a split before the words on the whole file."""
    end = r": get a correct copy; if the copy is correct, set split\.wholeFiles: true \(--whole-files\)$"
    with pytest.raises(
        CorruptInput, match=r"/x: byte \d+: (no zstd data begins here \(.*\): )?the planner.*" + end
    ) as error:
        fed(split)
    return re.sub(".*(the planner.*)" + end, r"\1", str(error.value))


def test_damage_at_the_start_of_a_piece_of_xz_does_not_advise_to_read_the_compressed_bytes(tmp_path: Path) -> None:
    stored = bytearray(PACKERS["xz"](CONTENT, len(CONTENT) // BLOCKS))
    splits = pieces_of(tmp_path, bytes(stored))
    (start,) = (piece.start for piece in splits[1].pieces)
    stored[start + 1] ^= 1
    state = os.stat(tmp_path / "x")
    (tmp_path / "x").write_bytes(stored)
    os.utime(tmp_path / "x", ns=(state.st_atime_ns, state.st_mtime_ns))
    with pytest.raises(
        CorruptInput, match=rf"/x: byte {start}: no xz data begins here .*: get a correct copy of the file$"
    ):
        fed(splits[1])


def test_a_name_that_says_that_a_file_was_cut_does_not_change_the_error(tmp_path: Path) -> None:
    stored = bytearray(PACKERS["zstd"](CONTENT, len(CONTENT) // BLOCKS))
    path = tmp_path / "ends in the middle"
    path.write_bytes(stored)
    splits = planned(str(path), len(stored))
    (start,) = (piece.start for piece in splits[0].pieces)
    stored[start + 6] ^= 0xFF
    state = os.stat(path)
    path.write_bytes(stored)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    with pytest.raises(CorruptInput, match=r"data is damaged|no zstd data begins here"):
        fed(splits[0])


def test_an_unreadable_content_is_not_reported_under_a_name_that_does_not_exist(tmp_path: Path) -> None:
    stored = PACKERS["bzip2"](b"7z\xbc\xaf\x27\x1c" + CONTENT, len(CONTENT) // BLOCKS)
    (tmp_path / "x.data.bz2").write_bytes(stored)
    with pytest.raises(InputError, match=r"/x\.data\.bz2 \(decompressed\): is a 7z archive"):
        planned(str(tmp_path / "x.data.bz2"), len(stored))


def test_a_plain_gzip_member_behind_blocks_is_read(tmp_path: Path) -> None:
    half = len(CONTENT) // 2
    stored = bgzf(CONTENT[:half], 20_000) + gzip.compress(CONTENT[half:])
    splits = pieces_of(tmp_path, stored)
    assert 1 < len(splits) < 10
    assert b"".join(fed(split) for split in splits) == CONTENT


@pytest.mark.parametrize("records", [CSV, Records(kind="bytes", size=1)])
def test_formats_that_are_cut_in_the_plan_leave_compressed_files_whole(tmp_path: Path, records: Records) -> None:
    stored = PACKERS["zstd"](CONTENT, 10_000)
    (split,) = pieces_of(tmp_path, stored, records=records)
    assert fed(split, records=RecordFormat(records)) == CONTENT


@pytest.mark.parametrize(
    "content", [zstandard.compress(CONTENT), CONTENT.decode().encode("utf-16")], ids=["compressed again", "utf-16"]
)
def test_contents_that_cannot_be_cut_stay_whole(tmp_path: Path, content: bytes) -> None:
    stored = bgzf(content, 5_000)
    (split,) = pieces_of(tmp_path, stored)
    assert fed(split) == (CONTENT if content[:4] == b"\x28\xb5\x2f\xfd" else content)


def test_an_archive_of_several_blocks_stays_whole(tmp_path: Path) -> None:
    (tmp_path / "member").write_bytes(CONTENT)
    archive = subprocess.run(["tar", "-C", str(tmp_path), "-c", "member"], stdout=subprocess.PIPE, check=True).stdout
    (split,) = pieces_of(tmp_path, PACKERS["xz"](archive, 50_000))
    assert fed(split) == CONTENT


def test_a_damaged_record_in_a_piece_names_the_file_and_the_block(tmp_path: Path) -> None:
    content = b"".join(b"@r%d\nACGT\n+\nIIII\n" % number for number in range(20_000)) + b"@r\nACGT\n+\nII\n"
    splits = pieces_of(tmp_path, PACKERS["bgzf"](content, 20_000), records=READS)
    with pytest.raises(CorruptInput, match=r"/x, decompressed from byte \d+ on: byte \d+: "):
        fed(splits[-1], records=RecordFormat(READS))
