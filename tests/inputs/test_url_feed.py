"""Tests of the feed of objects behind URLs."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import pytest
import zstandard

from kubemr_shell.errors import CorruptInput, InputNotFound
from kubemr_shell.inputs.feed import SplitFeed
from kubemr_shell.inputs.splits import plan_splits
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Piece, Split
from tests.support.feeding import HASTY, SCRATCH, fed, listed, output_of, pipe
from tests.support.http_server import Resource, serving

MIB = 1 << 20


def test_a_large_url_is_cut_at_line_ends_and_read_in_ranges() -> None:
    content = b"".join(b"line %d\n" % number for number in range(300_000))
    with serving({"/x": Resource(content)}) as server:
        splits = list(plan_splits(listed([server.url("/x")]), split=SplitSpec(max_bytes=MIB), parallelism=2))
        outputs = [fed(split) for split in splits]
        sizes = [request.headers["Range"] for request in server.requests]
    assert len(splits) == 4
    assert b"".join(outputs) == content
    assert all(output.endswith(b"\n") for output in outputs)
    assert all(not size.endswith("-") for size in sizes)


def test_a_line_over_many_pieces_is_asked_for_in_growing_ranges() -> None:
    content = b"a\n" + b"x" * 3 * MIB + b"\nb\n"
    with serving({"/x": Resource(content)}) as server:
        (item,) = listed([server.url("/x")])
        bounds = [(0, 1000), (1000, 2 * MIB), (2 * MIB, len(content))]
        pieces = [Piece(uri=item.uri, start=a, end=b, size=item.size, fingerprint=item.fingerprint) for a, b in bounds]
        feeds = [SplitFeed(Split((piece,)), scratch=SCRATCH, folder="/", patience=HASTY) for piece in pieces]
        assert [len(output_of(feed)) for feed in feeds] == [len(content) - 2, 0, 2]
        assert feeds[1].moved == 2 * MIB - 1000 + 1
        assert len(server.requests) < 12


@pytest.mark.parametrize("cut", [None, 100])
def test_compressed_urls_are_decompressed_and_resumed_when_they_are_cut(cut: int | None) -> None:
    content = os.urandom(100_000)
    resources = {
        "/a.gz": Resource(gzip.compress(content), cuts=[cut]),
        "/b.zst?x=1": Resource(zstandard.compress(content), cuts=[cut]),
        "/c": Resource(gzip.compress(content), encoding="gzip", cuts=[cut], has_ranges=False),
        "/d.gz": Resource(gzip.compress(b""), cuts=[cut]),
    }
    with serving(resources) as server:
        objects = listed([server.url(path) for path in resources])
        splits = plan_splits(objects, split=SplitSpec(pack=False), parallelism=1)
        assert [fed(split) for split in splits] == [content, content, content, b""]


def test_files_and_urls_share_a_split(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a")
    with serving({"/x": Resource(b"b"), "/y": Resource(b"c", has_ranges=False)}) as server:
        objects = listed([str(tmp_path / "file"), server.url("/x"), server.url("/y")])
        (split,) = plan_splits(objects, split=SplitSpec(), parallelism=1)
        assert fed(split) == b"a\nb\nc"


def test_a_piece_in_which_no_line_begins_does_not_go_on_with_the_line_of_another_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a")
    with serving({"/x": Resource(b"0123456789\n")}) as server:
        file, url = listed([str(tmp_path / "file"), server.url("/x")])
        pieces = (
            Piece(uri=file.uri, end=1, size=1, fingerprint=file.fingerprint),
            Piece(uri=url.uri, start=3, end=6, size=url.size, fingerprint=url.fingerprint),
        )
        assert fed(Split(pieces)) == b"a"


def test_errors_name_the_url() -> None:
    with serving({"/x.gz": Resource(gzip.compress(b"line\n" * 1000)[:-1])}) as server:
        url = server.url("/x.gz")
        (split,) = plan_splits(listed([url]), split=SplitSpec(), parallelism=1)
        with pytest.raises(CorruptInput, match=f"^{url}: byte "):
            fed(split)
        del server.resources["/x.gz"]
        with pytest.raises(InputNotFound, match=f"^{url}: the server answered 404"):
            fed(split)


def test_what_has_come_is_passed_on_while_the_rest_is_awaited_and_a_cancel_ends_it() -> None:
    content = b"line\n" * 20
    resource = Resource(content)
    with serving({"/x": resource}) as server, pipe() as ends:
        (split,) = plan_splits(listed([server.url("/x")]), split=SplitSpec(), parallelism=1)
        resource.hold = threading.Event()
        feed = SplitFeed(split, scratch=SCRATCH, folder="/", patience=HASTY)
        cancel = os.eventfd(0)
        thread = threading.Thread(target=feed, args=(ends.writing, cancel))
        thread.start()
        received = b""
        while len(received) < len(content) // 2:
            received += os.read(ends.reading, 100)
        os.eventfd_write(cancel, 1)
        thread.join()
        os.close(cancel)
    assert received == content[: len(content) // 2]


def test_a_command_that_stops_reading_ends_the_transfer() -> None:
    with serving({"/x": Resource(bytes(20 * MIB))}) as server, pipe() as ends:
        (split,) = plan_splits(listed([server.url("/x")]), split=SplitSpec(whole_files=True), parallelism=1)
        feed = SplitFeed(split, scratch=SCRATCH, folder="/", patience=HASTY)
        ends.close_reading()
        feed(ends.writing, -1)
    assert feed.bytes_fed == 0
