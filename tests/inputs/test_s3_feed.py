"""Tests of the feed of S3 objects."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubemr_shell.errors import CorruptInput, InputChanged, InputNotFound
from kubemr_shell.inputs.feed import SplitFeed
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.listing import list_inputs
from kubemr_shell.inputs.looking import with_kinds
from kubemr_shell.inputs.range_feed import range_of
from kubemr_shell.inputs.splits import plan_splits
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Piece, Split
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_read import request_count
from kubemr_shell.storage.local import fingerprint
from tests.support.feeding import HASTY, SCRATCH, output_of, pipe
from tests.support.http_server import Resource, serving
from tests.support.s3_faults import CUT, SLOW_DOWN, Fault, Rule, Rules
from tests.support.s3_proxy import proxying
from tests.support.s3_requests import Request
from tests.support.s3_server import Bucket, S3Server, new_bucket
from tests.support.waiting import PATIENCE_SECONDS

MIB = 1 << 20


def planned(bucket: Bucket, *names: str) -> list[InputObject]:
    return list_inputs(
        [f"{bucket.uri}/{name}" for name in names],
        inputs_from=None,
        decompress="auto",
        folder="/",
        stdin_copy=None,
        s3=S3Config(endpoint=bucket.server.endpoint),
        patience=HASTY,
    )


def feed_of(bucket: Bucket, split: Split, endpoint: str | None = None) -> SplitFeed:
    config = S3Config(endpoint=endpoint or bucket.server.endpoint)
    return SplitFeed(split, scratch=SCRATCH, folder="/", s3=config, patience=HASTY)


def fed(bucket: Bucket, split: Split, endpoint: str | None = None) -> bytes:
    return output_of(feed_of(bucket, split, endpoint))


def pieces_of(item: InputObject, bounds: Sequence[int]) -> list[Piece]:
    return [
        Piece(uri=item.uri, start=start, end=end, size=item.size, fingerprint=item.fingerprint)
        for start, end in pairwise(bounds)
    ]


def whole(*objects: InputObject) -> Split:
    """Return a split with all of the objects, one after the other."""
    return Split(tuple(piece for item in objects for piece in pieces_of(item, [0, item.size or 0])))


def test_a_large_object_is_cut_at_line_ends_and_takes_the_requests_that_were_planned(bucket: Bucket) -> None:
    content = b"".join(b"line %d\n" % number for number in range(3_000_000))
    bucket.put("x", content)
    rules = SplitSpec(max_bytes=10 * MIB)
    s3 = S3Config(endpoint=bucket.server.endpoint)
    splits = list(
        plan_splits(with_kinds(planned(bucket, "x"), split=rules, parallelism=1, s3=s3), split=rules, parallelism=1)
    )
    with proxying(bucket.server.endpoint) as proxy:
        outputs = [fed(bucket, split, proxy.endpoint) for split in splits]
        requests = [logged.request for logged in proxy.log]
    assert len(splits) > 3
    assert b"".join(outputs) == content
    assert all(output.endswith(b"\n") for output in outputs)
    pieces = [piece for split in splits for piece in split.pieces]
    assert len(requests) == sum(request_count(*range_of(piece, len(content))) for piece in pieces)
    assert {request.headers["if-match"] for request in requests} == {pieces[0].fingerprint.removeprefix("etag ")}


@pytest.fixture(scope="module")
def lasting(s3_server: S3Server) -> Iterator[Bucket]:
    with new_bucket(s3_server, s3_server.client()) as bucket:
        yield bucket


@settings(max_examples=40)
@given(
    content=st.lists(st.sampled_from([b"\n", b"a", b"b\n", b"cc"]), max_size=12).map(b"".join),
    cuts=st.sets(st.integers(1, 20), max_size=4),
)
def test_every_line_is_in_the_piece_in_which_it_begins(lasting: Bucket, content: bytes, cuts: set[int]) -> None:
    lasting.put("lines", content)
    (item,) = planned(lasting, "lines")
    bounds = [0, *sorted(cut for cut in cuts if cut < len(content)), len(content)]
    lines, position, expected = content.splitlines(keepends=True), 0, [b""] * (len(bounds) - 1)
    for line in lines:
        expected[next(index for index, end in enumerate(bounds[1:]) if position < end)] += line
        position += len(line)
    assert [fed(lasting, Split((piece,))) for piece in pieces_of(item, bounds)] == expected


def test_a_line_over_many_pieces_is_asked_for_in_growing_ranges(bucket: Bucket) -> None:
    content = b"a\n" + b"x" * 3 * MIB + b"\nb\n"
    bucket.put("x", content)
    (item,) = planned(bucket, "x")
    with proxying(bucket.server.endpoint) as proxy:
        feeds = [
            feed_of(bucket, Split((piece,)), proxy.endpoint)
            for piece in pieces_of(item, [0, 1000, 2 * MIB, len(content)])
        ]
        assert [len(output_of(feed)) for feed in feeds] == [len(content) - 2, 0, 2]
        assert feeds[1].moved == 2 * MIB - 1000 + 1
        assert len(proxy.log) < 12


def test_compressed_objects_are_decompressed_and_resumed_where_they_were_cut(bucket: Bucket) -> None:
    content = os.urandom(2 * MIB)
    bucket.put("long.gz", gzip.compress(content))
    bucket.put("short.gz", gzip.compress(b"short\n"))
    splits = plan_splits(planned(bucket, "long.gz", "short.gz"), split=SplitSpec(pack=False), parallelism=1)
    with proxying(bucket.server.endpoint, Rules(Rule(CUT, times=3), Rule(SLOW_DOWN, times=2, after=3))) as proxy:
        assert [fed(bucket, split, proxy.endpoint) for split in splits] == [content, b"short\n"]
        assert proxy.faults().total() == 5


def test_small_objects_of_a_split_are_fetched_ahead_and_fed_in_order(bucket: Bucket, tmp_path: Path) -> None:
    contents = [b"%d\n" % number * number for number in range(30)]
    for number, content in enumerate(contents):
        bucket.put(f"in/{number:02d}", content)
    (tmp_path / "file").write_bytes(b"local")
    objects = planned(bucket, "in/")
    local = Piece(uri=str(tmp_path / "file"), end=5, size=5, fingerprint=fingerprint((tmp_path / "file").stat()))
    split = whole(*objects)
    mixed = Split((*split.pieces[:10], local, *split.pieces[10:]))
    with proxying(bucket.server.endpoint) as proxy:
        expected = b"".join(contents[:10]) + b"local\n" + b"".join(contents[10:])
        assert fed(bucket, mixed, proxy.endpoint) == expected
        assert len(proxy.log) == 29  # nothing is asked of an empty object


@pytest.mark.parametrize("size", [10, 3 * MIB])
def test_an_object_that_has_changed_is_named(bucket: Bucket, size: int) -> None:
    bucket.put("x", b"a" * size)
    split = whole(*planned(bucket, "x"))
    bucket.put("x", b"b" * size)
    with pytest.raises(InputChanged, match=f"{bucket.uri}/x: changed since the job was planned"):
        fed(bucket, split)


@pytest.mark.parametrize("size", [10, 3 * MIB])
def test_an_object_that_changes_while_it_is_read_is_no_mixture(bucket: Bucket, size: int) -> None:
    bucket.put("x", b"a" * size)
    split = whole(*planned(bucket, "x"))

    def change(request: Request) -> Fault | None:
        if request.number == 0:
            return CUT
        bucket.put("x", b"b" * size)
        return None

    with proxying(bucket.server.endpoint, change) as proxy, pytest.raises(InputChanged, match="changed since"):
        fed(bucket, split, proxy.endpoint)


def test_an_object_that_is_gone_is_a_missing_input_and_no_lost_map_output(bucket: Bucket) -> None:
    bucket.put("map/1.2", b"a")
    split = whole(*planned(bucket, "map/1.2"))
    bucket.delete("map/1.2")
    with pytest.raises(InputNotFound, match=r"map/1.2: no such object; it was there when the job was planned"):
        fed(bucket, split)


def test_what_is_damaged_is_named(bucket: Bucket) -> None:
    bucket.put("x.gz", gzip.compress(b"line\n")[:-5] + b"wrong")
    (split,) = plan_splits(planned(bucket, "x.gz"), split=SplitSpec(), parallelism=1)
    with pytest.raises(CorruptInput, match=f"{bucket.uri}/x.gz"):
        fed(bucket, split)


@pytest.mark.parametrize("size", [1000, 20 * MIB])
def test_a_command_that_stops_reading_ends_the_feed(bucket: Bucket, size: int) -> None:
    bucket.put("x", b"line\n" * (size // 5))
    bucket.put("y", b"line\n" * (size // 5))
    split = whole(*planned(bucket, "x", "y"))
    feed = feed_of(bucket, split)
    with pipe() as ends:
        ends.close_reading()
        feed(ends.writing, -1)
    assert feed.bytes_fed == 0


def test_a_cancel_ends_a_feed_that_nobody_reads(bucket: Bucket) -> None:
    bucket.put("x", b"line\n" * MIB)
    split = whole(*planned(bucket, "x"))
    feed = feed_of(bucket, split)
    cancel = os.eventfd(0)
    try:
        with pipe() as ends:
            thread = threading.Thread(target=feed, args=(ends.writing, cancel))
            thread.start()
            assert os.read(ends.reading, 1)
            os.eventfd_write(cancel, 1)
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()
    finally:
        os.close(cancel)


READ_AND_END = """
import os, sys
from kubemr_shell.inputs.feed import SplitFeed
from kubemr_shell.job.split import Piece, Split
from kubemr_shell.waits.retry import Patience
from kubemr_shell.net.s3_config import S3Config

reading, writing = os.pipe()
os.set_blocking(writing, False)
cancel = os.eventfd(0)
pieces = tuple(Piece(uri=f"s3://buc/{number}", size=4, end=4) for number in range(9))
config = S3Config(endpoint=sys.argv[1])
feed = SplitFeed(Split(pieces), folder="/", scratch="/tmp", s3=config, patience=Patience(budget=10**6))
os.set_blocking(reading, True)
import threading
threading.Thread(target=feed, args=(writing, cancel), daemon=True).start()
assert os.read(reading, 4) == b"one\\n", "of the first object"
os.eventfd_write(cancel, 1)
print("read")
"""


def test_objects_that_were_asked_for_ahead_do_not_hold_up_the_end_of_the_process(bucket: Bucket) -> None:
    """The server never sends the objects that are fetched ahead."""
    resources = {f"/buc/{number}": Resource(b"two\n", hold=threading.Event()) for number in range(1, 9)}
    with serving({"/buc/0": Resource(b"one\n"), **resources}) as server:
        environment = bucket.server.environment
        arguments = [sys.executable, "-c", READ_AND_END, server.url("")]
        done = subprocess.run(arguments, env=environment, capture_output=True, check=False, timeout=PATIENCE_SECONDS)
    assert (done.returncode, done.stdout) == (0, b"read\n"), done.stderr
