"""Tests of outputs that are written to S3: parts, memory, and events during the write."""

from __future__ import annotations

import json
import os
import random
import threading
import tracemalloc
import zlib
from pathlib import Path

import pytest

from kubemr_shell.errors import ObjectNotFound, StorageUnavailable
from kubemr_shell.storage import s3_upload
from kubemr_shell.storage.s3_upload import IN_FLIGHT, MOST_PARTS, part_bytes
from kubemr_shell.worker.memory import S3_SLOT_BYTES
from tests.storage.s3_place import DATA, Place
from tests.support.s3_faults import CUT_REQUEST, SLOW_DOWN, Fault, Rule, Rules
from tests.support.s3_proxy import S3Proxy
from tests.support.s3_requests import Request
from tests.support.waiting import until

MIB = 1 << 20
BLOCKS = 8 + 16 + 32 + 1
"""The blocks of 1 MiB: three full parts of growing sizes, and the beginning of a fourth."""


class TestSizesOfParts:
    def test_ten_thousand_are_enough_for_all_that_s3_can_hold(self) -> None:
        sizes = [part_bytes(number) for number in range(1, MOST_PARTS + 1)]
        assert sum(sizes) >= 5 << 40
        assert sizes == sorted(sizes)
        assert sizes[0] >= 5 * MIB, "the least that S3 takes but for the last"
        assert sizes[-1] <= 5 << 30, "the most that S3 takes"

    def test_grow_only_when_they_must(self) -> None:
        assert {part_bytes(number) for number in range(1, 1001)} == {8 * MIB}
        assert part_bytes(1001) == 16 * MIB


def test_a_long_output_is_sent_in_parts_while_it_is_written(place: Place, proxy: S3Proxy) -> None:
    output = place.storage.stage(f"{place.stage()}/0.0", target=place.target())
    data = bytes(range(256)) * (80 * 1024) + b"end"
    for start in range(0, len(data), 700_001):
        output.write(data[start : start + 700_001])
    receipt = output.seal()
    assert place.bucket.keys() == ["out/put/_kubemr/uid/stage/0.0"]
    place.storage.publish(receipt)
    assert sorted(sizes_sent(proxy)) == [4 * MIB + 3, 8 * MIB, 8 * MIB]
    assert place.published() == data
    assert (receipt.bytes, receipt.crc32, receipt.records) == (len(data), zlib.crc32(data), data.count(b"\n"))
    described = place.bucket.client.head_object(Bucket=place.bucket.name, Key="out/put/part-00000")
    assert described["Metadata"] == {"kubemr": "uid/0.0"}


@pytest.mark.parametrize("size", [8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 16 * MIB])
def test_a_part_is_never_empty_but_where_all_is(place: Place, proxy: S3Proxy, size: int) -> None:
    place.storage.publish(place.staged(bytes(size)))
    assert 0 not in sizes_sent(proxy)
    assert sum(sizes_sent(proxy)) == size
    assert place.published() == bytes(size)


def test_a_small_output_takes_three_requests_and_three_more_to_be_published(place: Place, proxy: S3Proxy) -> None:
    receipt = place.staged()
    assert proxy.counts() == {"CreateMultipartUpload": 1, "UploadPart": 1, "PutObject": 1}
    proxy.forget()
    place.storage.publish(receipt)
    assert proxy.counts() == {"HeadObject": 1, "GetObject": 1, "CompleteMultipartUpload": 1}


def test_a_writer_is_not_ahead_of_a_slow_store(place: Place, proxy: S3Proxy) -> None:
    """When a slow store gets a part, only the next parts are in flight or in the buffer."""
    written = 0
    ahead: list[int] = []
    lock = threading.Lock()

    def look(request: Request) -> Fault | None:
        if request.operation == "UploadPart":
            with lock:
                ahead.append(written - len(ahead) * 8 * MIB)
        return None

    proxy.policy = look
    output = place.storage.stage(f"{place.stage()}/0.0", target=place.target())
    for _ in range(80):
        output.write(bytes(MIB))
        written += MIB
    output.seal()
    assert len(ahead) == 10
    assert max(ahead) <= (IN_FLIGHT + 2) * 8 * MIB


def test_an_upload_that_is_aborted_while_it_is_written_is_said_and_can_be_tried_again(
    place: Place, proxy: S3Proxy
) -> None:
    aborted = Fault(name="aborted", act=lambda _: place.bucket.clear())
    proxy.policy = Rules(Rule(aborted, operation="UploadPart"))
    output = place.storage.stage(f"{place.stage()}/0.0", target=place.target())
    output.write(DATA)
    with pytest.raises(StorageUnavailable, match="part-00000: no such upload: it was aborted while it was written"):
        output.seal()
    output.abandon()
    place.storage.publish(place.staged(attempt="0.1"))
    assert place.published() == DATA


def test_giving_up_does_not_wait_for_a_store_that_is_asked_again_and_again(place: Place, proxy: S3Proxy) -> None:
    proxy.policy = Rules(Rule(SLOW_DOWN, operation="UploadPart", times=None))
    output = place.storage.stage(f"{place.stage()}/0.0", target=place.target())
    output.write(bytes(9 * MIB))
    assert len(place.bucket.uploads()) == 1

    def parts_sent() -> int:
        return sum(logged.request.operation == "UploadPart" for logged in proxy.log)

    until(lambda: parts_sent() > 1, "a second try")
    before = parts_sent()
    output.abandon()
    assert parts_sent() - before <= 1, "a request that was under way is answered, and none is sent again"
    assert place.bucket.uploads() == []
    assert place.bucket.keys() == []


def test_memory_does_not_grow_with_the_output(
    place: Place, proxy: S3Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the test each part is twice as large as the one before; in real uploads the size doubles after 1,000 parts."""
    monkeypatch.setattr(s3_upload, "PARTS_OF_A_SIZE", 1)
    proxy.policy = Rules(Rule(CUT_REQUEST, operation="UploadPart", after=1, times=2))  # sent again from its start
    output = place.storage.stage(f"{place.stage()}/0.0", target=place.target(), scratch=str(tmp_path))
    block = random.Random(1).randbytes(MIB)
    tracemalloc.start()
    try:
        for number in range(BLOCKS):
            output.write(number.to_bytes(8, "little") + block[8:])
        receipt = output.seal()
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < S3_SLOT_BYTES
    assert os.listdir(tmp_path) == []
    place.storage.publish(receipt)
    published = place.published()
    assert len(published) == receipt.bytes == BLOCKS * MIB
    for number in range(BLOCKS):
        assert published[number * MIB :][:MIB] == number.to_bytes(8, "little") + block[8:]


def test_a_scratch_folder_that_is_gone_is_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_upload, "part_bytes", lambda _: 16 * MIB)
    with pytest.raises(ObjectNotFound, match=r"^/nowhere: "):
        place.storage.stage(f"{place.stage()}/0.0", target=place.target(), scratch="/nowhere")


def test_a_receipt_names_upload_and_parts(place: Place) -> None:
    place.staged()
    [(key, upload)] = place.bucket.uploads()
    fields = json.loads(place.bucket.get("out/put/_kubemr/uid/stage/0.0"))
    assert (fields["target"], fields["upload"]) == (f"{place.bucket.uri}/{key}", upload)
    assert len(fields["parts"]) == 1


def sizes_sent(proxy: S3Proxy) -> list[int]:
    return [logged.received for logged in proxy.log if logged.request.operation == "UploadPart"]
