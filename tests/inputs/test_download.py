"""Tests of downloads of whole objects into local files."""

from __future__ import annotations

import gzip
import os
import stat
import tracemalloc
from pathlib import Path

import pytest

from kubemr_shell.errors import InputNotFound, OutOfSpace, StorageUnavailable
from kubemr_shell.inputs.download import download
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.waits.retry import Patience
from tests.support.feeding import HASTY
from tests.support.http_server import Resource, serving
from tests.support.s3_server import Bucket

CONTENT = bytes(range(256)) * 5000
LARGE_BYTES = 64 << 20
MOST_MEMORY_BYTES = 16 << 20
SOON_OVER = Patience(budget=0.05, first_pause=0.001, longest_pause=0.01)


def fetched(uri: str, path: Path, *, s3: S3Config | None = None, patience: Patience = HASTY) -> bytes:
    download(uri, str(path), s3=s3 or S3Config(), patience=patience, reading_patience=patience)
    return path.read_bytes()


def test_a_file_of_a_server_is_fetched_and_may_be_executed(tmp_path: Path) -> None:
    with serving({"/f": Resource(CONTENT)}) as server:
        assert fetched(server.url("/f"), tmp_path / "f") == CONTENT
    assert os.stat(tmp_path / "f").st_mode & stat.S_IXUSR


@pytest.mark.parametrize("has_ranges", [True, False])
def test_an_answer_that_is_cut_goes_on(tmp_path: Path, has_ranges: bool) -> None:
    resource = Resource(CONTENT, has_ranges=has_ranges, cuts=[None, 1000, 300_000] if has_ranges else [None, 10])
    with serving({"/f": resource}) as server:
        assert fetched(server.url("/f"), tmp_path / "f") == CONTENT


def test_an_empty_file_and_one_of_unknown_size_are_fetched(tmp_path: Path) -> None:
    resources = {"/a": Resource(b""), "/b": Resource(CONTENT, is_chunked=True, has_ranges=False)}
    with serving(resources) as server:
        assert fetched(server.url("/a"), tmp_path / "a") == b""
        assert fetched(server.url("/b"), tmp_path / "b") == CONTENT


def test_what_only_the_server_has_compressed_is_decompressed(tmp_path: Path) -> None:
    packed = gzip.compress(CONTENT)
    resources = {name: Resource(packed, encoding="gzip") for name in ("/script", "/data.tar.gz")}
    with serving(resources) as server:
        assert fetched(server.url("/script"), tmp_path / "script") == CONTENT
        assert fetched(server.url("/data.tar.gz"), tmp_path / "data.tar.gz") == packed


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    with serving({"/f": Resource(b"x" * LARGE_BYTES)}) as server:
        tracemalloc.start()
        try:
            download(server.url("/f"), str(tmp_path / "f"), s3=S3Config(), patience=HASTY)
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert (tmp_path / "f").stat().st_size == LARGE_BYTES
    assert most < MOST_MEMORY_BYTES


def test_what_is_missing_or_does_not_answer_is_named(tmp_path: Path) -> None:
    with serving({}) as server, pytest.raises(InputNotFound, match=f"^{server.url('/f')}: the server answered 404"):
        fetched(server.url("/f"), tmp_path / "f")
    with pytest.raises(StorageUnavailable, match=f"^{server.url('/f')}: connection refused"):
        fetched(server.url("/f"), tmp_path / "g", patience=SOON_OVER)


def test_a_full_disk_is_named() -> None:
    with serving({"/f": Resource(CONTENT)}) as server, pytest.raises(OutOfSpace, match=r"^/dev/full: No space left"):
        download(server.url("/f"), "/dev/full", s3=S3Config(), patience=HASTY)


def test_an_object_of_s3_is_fetched(tmp_path: Path, bucket: Bucket) -> None:
    bucket.put("a/b", CONTENT)
    bucket.put("empty", b"")
    s3 = S3Config(endpoint=bucket.server.endpoint, region=bucket.server.region)
    assert fetched(f"{bucket.uri}/a/b", tmp_path / "b", s3=s3) == CONTENT
    assert fetched(f"{bucket.uri}/empty", tmp_path / "empty", s3=s3) == b""
    for key in ("missing", "a/", ""):
        with pytest.raises(InputNotFound, match=f"^{bucket.uri}/{key}: "):
            fetched(f"{bucket.uri}/{key}", tmp_path / "no", s3=s3)
