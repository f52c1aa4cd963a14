"""Tests of the files that a command gets in its folder."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from kubemr_shell.errors import InputChanged, InputError, InputNotFound
from kubemr_shell.inputs.cutters import splits_of
from kubemr_shell.inputs.input_files import InputFiles
from kubemr_shell.inputs.listing import list_inputs
from kubemr_shell.job.records import LINES
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Split
from kubemr_shell.net.s3_config import S3Config
from tests.support.feeding import HASTY, SCRATCH
from tests.support.http_server import Resource, serving
from tests.support.s3_server import Bucket

PACKED = gzip.compress(b"one\n")


def splits(inputs: list[str], s3: S3Config = S3Config(), group: str | None = None) -> list[Split]:  # noqa: B008 - frozen
    objects = list_inputs(
        inputs, inputs_from=None, decompress="none", folder="/", stdin_copy=None, s3=s3, patience=HASTY
    )
    rules = SplitSpec(feed="files", group=group)
    return list(splits_of(objects, LINES, rules, parallelism=1, folder="/", scratch=SCRATCH, s3=s3))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "attempt").mkdir()
    return tmp_path / "attempt"


def test_each_local_file_is_a_task_of_its_own_and_is_linked(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "a.gz").write_bytes(PACKED)
    (tmp_path / "-b").write_bytes("wide\n".encode("utf-16"))
    first, second = splits([f"{tmp_path}/a.gz", f"{tmp_path}/-b"])
    with InputFiles(first, folder="/", s3=S3Config()).placed(str(folder)) as names:
        assert names == ["a.gz"]
        assert os.readlink(folder / "a.gz") == f"{tmp_path}/a.gz"
    with InputFiles(second, folder="/", s3=S3Config()).placed(str(folder)) as names:
        assert names == ["./-b"]


def test_files_behind_urls_are_fetched_as_they_are_stored(folder: Path) -> None:
    big = b"x" * 3_000_000
    with serving(
        {"/a.gz?v=1": Resource(PACKED), "/b": Resource(big, has_ranges=False), "/none": Resource(b"")}
    ) as server:
        (split,) = splits([server.url("/a.gz?v=1"), server.url("/b"), server.url("/none")], group="(http)")
        files = InputFiles(split, folder="/", s3=S3Config())
        with files.placed(str(folder)) as names:
            assert names == ["a.gz", "b", "none"]
            assert [(folder / name).read_bytes() for name in names] == [PACKED, big, b""]
        assert files.moved == files.bytes_fed == len(PACKED) + len(big)


def test_s3_objects_are_fetched_as_they_were_planned(bucket: Bucket, folder: Path) -> None:
    s3 = S3Config(endpoint=bucket.server.endpoint)
    bucket.put("x/a.gz", PACKED)
    bucket.put("x/b", b"y" * 3_000_000)
    (split,) = splits([f"{bucket.uri}/x/"], s3, group="(s3)")
    with InputFiles(split, folder="/", s3=s3).placed(str(folder)) as names:
        assert [(folder / name).read_bytes() for name in names] == [PACKED, b"y" * 3_000_000]
        for name in names:
            (folder / name).unlink()
    bucket.put("x/b", b"z" * 3_000_000)
    with pytest.raises(InputError, match="/x/b"), InputFiles(split, folder="/", s3=s3).placed(str(folder)):
        pass


def test_a_local_file_that_changes_is_an_error(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "a").write_bytes(b"1\n")
    (split,) = splits([f"{tmp_path}/a"])
    files = InputFiles(split, folder="/", s3=S3Config())
    with pytest.raises(InputChanged, match="/a: became longer"), files.placed(str(folder)):
        (tmp_path / "a").write_bytes(b"1\n2\n")
    (tmp_path / "a").unlink()
    with pytest.raises(InputNotFound, match="/a: was removed"), files.placed(str(folder)):
        pass


def test_a_name_that_is_taken_is_an_error(tmp_path: Path, folder: Path) -> None:
    for name in ("x/a", "y/a", "c\nd"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"1\n")
    with pytest.raises(InputError, match=r"/y/a: has the name of .*/x/a, and both would be in the folder"):
        splits([f"{tmp_path}/x", f"{tmp_path}/y"], group="([a-z])$")
    with pytest.raises(InputError, match="has a line break in its name"):
        splits([f"{tmp_path}/c\nd"])
    (tmp_path / ".kubemr-inputs").touch()
    with pytest.raises(InputError, match=r"/\.kubemr-inputs: has the name of the list of inputs .*: rename the file"):
        splits([f"{tmp_path}/.kubemr-inputs"])
    (split,) = splits([f"{tmp_path}/x"])
    (folder / "a").touch()
    files = InputFiles(split, folder="/", s3=S3Config())
    taken = "/x/a: the folder of the attempt already has a file a, of this task or"
    with pytest.raises(InputError, match=taken), files.placed(str(folder)):
        pass


def test_a_url_without_the_name_of_a_file_is_an_error() -> None:
    with serving({"/": Resource(b"1\n")}) as server, pytest.raises(InputError, match="/: ends without the name of a"):
        splits([server.url("/")])
