"""Tests of the look at the first bytes of S3 objects, and of tasks that read objects without such a look."""

from __future__ import annotations

import bz2
import gzip
import io
import zipfile
from collections.abc import Sequence

import pytest
import zstandard

from kubemr_shell.errors import CorruptInput, InputChanged, InputError, InputNotFound
from kubemr_shell.inputs.feed import SplitFeed
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.listing import list_inputs
from kubemr_shell.inputs.looking import with_kinds
from kubemr_shell.inputs.splits import plan_splits
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_requests import GET, PUT, RequestMeter
from tests.support.feeding import HASTY, SCRATCH, output_of
from tests.support.s3_server import Bucket

LINES = b"".join(b"line %d\n" % number for number in range(5000))
SMALL = SplitSpec(max_bytes=1000)


def planned(bucket: Bucket, names: Sequence[str], *, split: SplitSpec, decompress: str = "auto") -> list[InputObject]:
    s3 = S3Config(endpoint=bucket.server.endpoint)
    listed = list_inputs(
        [f"{bucket.uri}/{name}" for name in names],
        inputs_from=None,
        decompress=decompress,
        folder="/",
        stdin_copy=None,
        s3=s3,
        patience=HASTY,
    )
    return with_kinds(listed, split=split, parallelism=1, s3=s3)


def read(bucket: Bucket, objects: list[InputObject], *, split: SplitSpec) -> list[bytes]:
    s3 = S3Config(endpoint=bucket.server.endpoint)
    splits = plan_splits(objects, split=split, parallelism=1)
    return [output_of(SplitFeed(one, folder="/", scratch=SCRATCH, s3=s3, patience=HASTY)) for one in splits]


def test_large_objects_are_cut_only_if_they_are_not_compressed(bucket: Bucket) -> None:
    bucket.put("a.gz", LINES)
    bucket.put("b", bz2.compress(LINES))
    bucket.put("c", LINES.decode().encode("utf-16"))
    objects = planned(bucket, ["a.gz", "b", "c"], split=SMALL)
    assert [(item.codec, item.splittable, item.alone) for item in objects] == [
        ("none", True, False),
        ("bzip2", True, False),
        ("none", False, True),
    ]
    outputs = read(bucket, objects, split=SMALL)
    assert len(outputs) == -(-len(LINES) // 1000) + 2
    assert b"".join(outputs[:-2]) == LINES
    assert outputs[-2:] == [LINES, LINES.decode().encode("utf-16")]


def test_small_objects_are_looked_at_by_the_task_that_reads_them(bucket: Bucket) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("x", b"zip 1")
        archive.writestr("y", b"zip 2")
    contents = [gzip.compress(b"gzip"), b"plain", zstandard.compress(b"zstd"), made.getvalue(), b""]
    for number, content in enumerate(contents):
        bucket.put(f"in/{number}", content)
    meter = RequestMeter()
    meter.take()
    objects = planned(bucket, ["in/"], split=SplitSpec())
    requests = meter.take()
    assert requests.get(GET, 0) == 0
    assert requests[PUT] < len(contents)
    assert read(bucket, objects, split=SplitSpec()) == [b"gzip\nplain\nzstd\nzip 1\nzip 2"]


@pytest.mark.parametrize("split", [SMALL, SplitSpec()])
def test_the_encoding_of_an_object_is_no_second_compression(bucket: Bucket, split: SplitSpec) -> None:
    put = bucket.client.put_object
    put(Bucket=bucket.name, Key="in/a", Body=gzip.compress(LINES), ContentEncoding="gzip")
    put(Bucket=bucket.name, Key="in/b.gz", Body=gzip.compress(LINES), ContentEncoding="gzip")
    put(Bucket=bucket.name, Key="in/c.gz", Body=gzip.compress(gzip.compress(LINES)), ContentEncoding="gzip")
    put(Bucket=bucket.name, Key="in/d.gz", Body=LINES, ContentEncoding="gzip, utf-8")
    objects = planned(bucket, ["in/"], split=split)
    assert b"".join(read(bucket, objects, split=split)) == LINES * 4


def test_an_encoding_that_cannot_be_decoded_is_an_error(bucket: Bucket) -> None:
    bucket.client.put_object(Bucket=bucket.name, Key="x", Body=LINES, ContentEncoding="aws-chunked,br")
    with pytest.raises(InputError, match=f"{bucket.uri}/x: has the Content-Encoding br.*--decompress none"):
        planned(bucket, ["x"], split=SMALL)
    with pytest.raises(InputError, match="has the Content-Encoding br"):
        read(bucket, planned(bucket, ["x"], split=SplitSpec()), split=SplitSpec())
    raw = SplitSpec(whole_files=True)
    assert read(bucket, planned(bucket, ["x"], split=raw, decompress="none"), split=raw) == [LINES]


def test_all_large_objects_that_cannot_be_read_are_named(bucket: Bucket) -> None:
    bucket.put("a", b"\x1f\x9d" + LINES)
    bucket.put("b.gz", bytes(2000))
    with pytest.raises(InputNotFound, match=r"(?s)2 inputs.*/a: is compressed by compress.*/b.gz: byte 0: no gzip"):
        planned(bucket, ["a", "b.gz"], split=SMALL)


def test_a_small_wide_text_among_others_is_an_error_and_no_garbage(bucket: Bucket) -> None:
    for name in ("in/1", "in/2"):
        bucket.put(name, "line\n".encode("utf-16"))
    for decompress in ("auto", "none"):
        objects = planned(bucket, ["in/"], split=SplitSpec(), decompress=decompress)
        with pytest.raises(InputError, match=r"/in/2: its byte order mark says UTF-16.*split\.pack: false"):
            read(bucket, objects, split=SplitSpec())
        alone = SplitSpec(pack=False)
        assert read(bucket, objects, split=alone) == ["line\n".encode("utf-16")] * 2


def test_an_object_that_changes_before_the_look_is_an_error(bucket: Bucket) -> None:
    bucket.put("x", LINES)
    objects = planned(bucket, ["x"], split=SplitSpec())
    bucket.put("x", LINES[::-1])
    s3 = S3Config(endpoint=bucket.server.endpoint)
    with pytest.raises(InputChanged, match="changed since the job was planned"):
        with_kinds(objects, split=SMALL, parallelism=1, s3=s3)


def test_a_damaged_object_is_an_error_that_names_it(bucket: Bucket) -> None:
    bucket.put("x", gzip.compress(LINES)[:-3])
    with pytest.raises(CorruptInput, match=f"{bucket.uri}/x: byte .*: the file ends in the middle of the gzip data"):
        read(bucket, planned(bucket, ["x"], split=SplitSpec()), split=SplitSpec())
