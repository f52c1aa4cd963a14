"""Tests of reads of ranges from a real server: order, cuts, versions, and cancels."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from kubemr_shell.errors import InputChanged, ObjectNotFound, StorageError, StorageUnavailable
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_get import get_range
from kubemr_shell.net.s3_range import MOST_SKIPPED_BYTES, bytes_before
from kubemr_shell.net.s3_read import (
    PIECE_BYTES,
    PIECES_AHEAD,
    SMALLEST_PIECE_BYTES,
    read_range,
    request_count,
)
from kubemr_shell.waits.retry import READING_PATIENCE, Patience
from kubemr_shell.waits.waiter import Cancelled, Waiter
from tests.support import s3_faults
from tests.support.http_server import Resource, serving
from tests.support.s3_faults import Rule, Rules, Seeded
from tests.support.s3_proxy import S3Proxy, proxying
from tests.support.s3_server import Bucket
from tests.support.waiting import until

QUICK = replace(READING_PATIENCE, first_pause=0.001, longest_pause=0.01)
CONTENT = random.Random(1).randbytes(5 * SMALLEST_PIECE_BYTES + 12_345)
LITTLE = 3 * SMALLEST_PIECE_BYTES
"""Memory: pieces are small then, and there are several."""


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[S3Proxy]:
    bucket.put("k", CONTENT)
    with proxying(bucket.server.endpoint) as proxy:
        yield proxy


def through(proxy: S3Proxy) -> S3Client:
    return S3Client(S3Config(endpoint=proxy.endpoint))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, len(CONTENT)),
        (0, 1),
        (len(CONTENT) - 1, len(CONTENT)),
        (17, 17),
        (SMALLEST_PIECE_BYTES - 1, SMALLEST_PIECE_BYTES + 1),
        (12_345, 4 * SMALLEST_PIECE_BYTES + 12_345),
    ],
)
def test_the_bytes_of_a_range_come_in_order(bucket: Bucket, proxy: S3Proxy, start: int, end: int) -> None:
    client = through(proxy)
    found = b"".join(read_range(client, f"{bucket.uri}/k", start, end, memory=LITTLE))
    assert found == CONTENT[start:end]
    assert proxy.counts() == client_counts(request_count(start, end, LITTLE))


def client_counts(requests: int) -> dict[str, int]:
    return {"GetObject": requests} if requests else {}


def test_no_piece_is_larger_than_memory_allows_nor_smaller_than_is_sensible() -> None:
    assert request_count(0, 3 * PIECE_BYTES) == 3
    assert request_count(0, 3 * PIECE_BYTES, memory=PIECES_AHEAD * PIECE_BYTES // 2) == 6
    assert request_count(0, PIECE_BYTES, memory=0) == PIECE_BYTES // SMALLEST_PIECE_BYTES


def test_a_reader_that_takes_its_time_has_few_pieces_in_flight(bucket: Bucket, proxy: S3Proxy) -> None:
    reading = read_range(through(proxy), f"{bucket.uri}/k", 0, len(CONTENT), memory=LITTLE)
    parts = [next(reading)]
    until(lambda: proxy.counts()["GetObject"] == PIECES_AHEAD)
    parts.append(next(reading))  # of the second piece: the first is used up
    until(lambda: proxy.counts()["GetObject"] == PIECES_AHEAD + 1)
    parts.extend(reading)
    assert b"".join(parts) == CONTENT


@pytest.mark.parametrize(
    "fault", [s3_faults.CUT, s3_faults.CLOSED, s3_faults.SLOW_DOWN, s3_faults.INTERNAL], ids=lambda fault: fault.name
)
def test_a_read_goes_on_where_it_was_cut(bucket: Bucket, proxy: S3Proxy, fault: s3_faults.Fault) -> None:
    proxy.policy = Rules(Rule(fault, times=6))
    client = through(proxy)
    found = b"".join(read_range(client, f"{bucket.uri}/k", 0, len(CONTENT), memory=LITTLE, patience=QUICK))
    assert found == CONTENT
    assert client.counts.retries == 6
    if fault is s3_faults.CUT:
        asked = sum(length(logged.request.headers["range"]) for logged in proxy.log)
        assert asked < 1.8 * len(CONTENT)  # from the start again it would be twice as much


def length(header: str) -> int:
    first, _, last = header.removeprefix("bytes=").partition("-")
    return int(last) - int(first) + 1


@pytest.mark.parametrize("seed", range(8))
def test_whatever_goes_wrong_the_bytes_are_right(bucket: Bucket, proxy: S3Proxy, seed: int) -> None:
    proxy.policy = Seeded(seed, share=0.5)
    found = b"".join(read_range(through(proxy), f"{bucket.uri}/k", 0, len(CONTENT), memory=LITTLE, patience=QUICK))
    assert found == CONTENT


def test_an_object_that_has_changed_is_named(bucket: Bucket, proxy: S3Proxy) -> None:
    tag = bucket.client.head_object(Bucket=bucket.name, Key="k")["ETag"]
    reading = read_range(through(proxy), f"{bucket.uri}/k", 0, len(CONTENT), if_match=tag, memory=LITTLE)
    first = next(reading)
    assert first == CONTENT[: len(first)]
    bucket.put("k", CONTENT[::-1])
    with pytest.raises(InputChanged, match=f"^{bucket.uri}/k: changed since the job was planned"):
        list(reading)


def test_an_object_that_is_not_there_is_named(bucket: Bucket, proxy: S3Proxy) -> None:
    with pytest.raises(ObjectNotFound, match=f"^{bucket.uri}/none: no such object"):
        list(read_range(through(proxy), f"{bucket.uri}/none", 0, 10))


def test_a_server_that_always_cuts_ends_with_the_budget(bucket: Bucket, proxy: S3Proxy) -> None:
    proxy.policy = Rules(Rule(s3_faults.CLOSED, times=None))
    with pytest.raises(StorageUnavailable, match=f"^{bucket.uri}/k: {proxy.endpoint} cut the connection"):
        list(read_range(through(proxy), f"{bucket.uri}/k", 0, 10, patience=Patience(budget=0.1, first_pause=0.01)))


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(("start", "end"), [(0, len(CONTENT)), (0, 10), (5, 10), (5, len(CONTENT))])
@pytest.mark.parametrize("cuts", [[], [100_000]])
def test_the_whole_object_is_a_good_answer_to_a_range(start: int, end: int, cuts: list[int | None]) -> None:
    with serving({"/buc/k": Resource(content=CONTENT, has_ranges=False, cuts=cuts)}) as server:
        client = S3Client(S3Config(endpoint=f"http://{server.address}"))
        assert b"".join(read_range(client, "s3://buc/k", start, end, patience=QUICK)) == CONTENT[start:end]
        assert get_range(client, "s3://buc/k", start, end) == CONTENT[start:end]
        assert get_range(client, "s3://buc/k", start, end + len(CONTENT)) == CONTENT[start:]


def test_an_answer_is_the_range_or_the_whole_or_an_error() -> None:
    assert bytes_before({}, 5, "s3://buc/k") == 5
    assert bytes_before({"ContentRange": "bytes 5-9/10"}, 5, "s3://buc/k") == 0
    assert bytes_before({"ContentRange": "bytes 5-9/*"}, 5, "s3://buc/k") == 0
    for other in ("bytes 0-9/10", "bytes */10", "pages 5-9/10"):
        with pytest.raises(StorageError, match=r"^s3://buc/k: asked for byte 5, the server sent another range"):
            bytes_before({"ContentRange": other}, 5, "s3://buc/k")
    with pytest.raises(StorageError, match=r"^s3://buc/k: the server ignores the header Range, and sent the whole "):
        bytes_before({}, MOST_SKIPPED_BYTES + 1, "s3://buc/k")


def test_a_cancel_is_seen_while_the_server_is_silent(bucket: Bucket) -> None:
    cancel, release = os.eventfd(0), threading.Event()
    try:
        with serving({"/buc/k": Resource(content=CONTENT, hold=release)}) as server:
            client = S3Client(S3Config(endpoint=f"http://{server.address}"))
            reading = read_range(client, "s3://buc/k", 0, 1 << 20, waiter=Waiter(cancel))

            def stop() -> None:
                server.half_sent.wait()
                os.eventfd_write(cancel, 1)

            stopping = threading.Thread(target=stop)
            stopping.start()
            with pytest.raises(Cancelled):
                list(reading)
            assert not release.is_set()
            release.set()
            stopping.join()
    finally:
        os.close(cancel)


def test_closing_gives_up_what_is_in_flight_and_leaves_nothing_open(bucket: Bucket, proxy: S3Proxy) -> None:
    client = through(proxy)
    list(read_range(client, f"{bucket.uri}/k", 0, len(CONTENT), memory=LITTLE))
    before = open_eventfds()
    for _ in range(5):
        reading = read_range(client, f"{bucket.uri}/k", 0, len(CONTENT), memory=LITTLE)
        next(reading)
        reading.close()
    until(lambda: open_eventfds() <= before)


def open_eventfds() -> int:
    found = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{name}") == "anon_inode:[eventfd]"
        except FileNotFoundError:
            continue  # that of the listing itself
    return found
