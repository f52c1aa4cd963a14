"""Tests that an output in S3 is published once, with several workers, repeated calls, and lost requests."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from kubemr_shell.errors import ObjectNotFound, StorageError
from tests.storage.s3_place import DATA, Died, Place
from tests.support import s3_faults
from tests.support.s3_faults import Fault, Rule, Rules
from tests.support.s3_proxy import S3Proxy

OPERATIONS = (
    "CreateMultipartUpload",
    "UploadPart",
    "PutObject",
    "HeadObject",
    "GetObject",
    "CompleteMultipartUpload",
)


@pytest.mark.parametrize("fault", [s3_faults.LOST, s3_faults.LOST_500, s3_faults.CLOSED, s3_faults.SLOW_DOWN])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_requests_and_answers_that_are_lost_change_nothing(
    place: Place, proxy: S3Proxy, operation: str, fault: Fault
) -> None:
    proxy.policy = Rules(Rule(fault, operation=operation))
    place.storage.publish(place.staged())
    assert proxy.faults() == {fault.name: 1}
    assert place.published() == DATA
    place.remove_job()
    assert place.bucket.uploads() == []
    assert place.bucket.keys() == ["out/put/part-00000"]


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_at_any_request_is_followed_by_another(place: Place, after: bool) -> None:
    for last in range(len(OPERATIONS)):
        part = f"part-{last:05d}"
        mortal = place.mortal(last, after=after)
        receipt = None
        with suppress(Died):
            receipt = place.staged(attempt=f"{last}.0", part=part, storage=mortal)
            mortal.publish(receipt)
            pytest.fail(f"request {last} was never made")
        if receipt is not None:  # it was committed
            place.storage.publish(receipt)
        else:
            place.storage.publish(place.staged(attempt=f"{last}.1", part=part))
        assert place.published(part) == DATA
    place.remove_job()
    assert place.bucket.uploads() == []
    assert place.bucket.keys() == [f"out/put/part-{number:05d}" for number in range(len(OPERATIONS))]


def test_a_second_publishing_only_looks(place: Place, proxy: S3Proxy) -> None:
    receipt = place.staged()
    place.storage.publish(receipt)
    proxy.forget()
    place.storage.publish(receipt)
    place.storage.publish(receipt, replace=True)
    assert proxy.counts() == {"HeadObject": 2}


@pytest.mark.parametrize("replace", [False, True])
def test_many_publish_at_once(place: Place, replace: bool) -> None:
    if replace:
        place.bucket.put("out/put/part-00000", b"older")
    receipt = place.staged()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: place.storage.publish(receipt, replace=replace), range(16)))
    assert place.published() == DATA


def harm_upload(place: Place) -> None:
    [(key, upload)] = place.bucket.uploads()
    place.bucket.client.abort_multipart_upload(Bucket=place.bucket.name, Key=key, UploadId=upload)


def harm_receipt(place: Place) -> None:
    place.bucket.put("out/put/_kubemr/uid/stage/0.0", b'{"target": ')


def remove_receipt(place: Place) -> None:
    place.bucket.delete("out/put/_kubemr/uid/stage/0.0")


@pytest.mark.parametrize("harm", [harm_upload, harm_receipt, remove_receipt])
def test_what_is_harmed_behind_our_back_is_lost_and_made_again(place: Place, harm: Callable[[Place], None]) -> None:
    receipt = place.staged()
    harm(place)
    with pytest.raises(ObjectNotFound, match="out/put/part-00000: neither published nor staged"):
        place.storage.publish(receipt)
    assert place.bucket.keys("out/put/part") == []
    place.storage.publish(place.staged(b"again\n", attempt="0.1"))
    assert place.published() == b"again\n"


def test_a_part_that_was_removed_after_it_was_published_is_lost(place: Place) -> None:
    receipt = place.staged()
    place.storage.publish(receipt)
    place.bucket.delete("out/put/part-00000")
    with pytest.raises(ObjectNotFound):
        place.storage.publish(receipt)


def test_what_comes_between_looking_and_completing_is_not_replaced(place: Place, proxy: S3Proxy) -> None:
    receipt = place.staged()
    theirs = Fault(name="theirs", act=lambda _: place.bucket.put("out/put/part-00000", b"theirs"))
    proxy.policy = Rules(Rule(theirs, operation="CompleteMultipartUpload"))
    with pytest.raises(StorageError, match="something that this job did not write"):
        place.storage.publish(receipt)
    assert place.published() == b"theirs"


def test_an_older_result_that_changes_meanwhile_is_not_replaced(place: Place, proxy: S3Proxy) -> None:
    place.bucket.put("out/put/part-00000", b"older")
    receipt = place.staged()
    theirs = Fault(name="theirs", act=lambda _: place.bucket.put("out/put/part-00000", b"theirs"))
    proxy.policy = Rules(Rule(theirs, operation="CompleteMultipartUpload"))
    with pytest.raises(StorageError, match="something that this job did not write"):
        place.storage.publish(receipt, replace=True)
    assert place.published() == b"theirs"


def test_a_server_that_refuses_conditions_is_asked_without(place: Place, proxy: S3Proxy) -> None:
    """Some servers do not support conditions. The answer to the first request shows this."""
    refused = Fault(name="refused", status=501, code="NotImplemented")
    proxy.policy = Rules(Rule(refused, operation="CompleteMultipartUpload"))
    place.storage.publish(place.staged())
    assert proxy.faults() == {"refused": 1}
    assert place.published() == DATA


class TestOtherAttempts:
    def test_a_later_one_is_not_replaced_by_a_worker_that_is_late(self, place: Place) -> None:
        late = place.staged(b"first\n", attempt="0.0")
        place.storage.publish(place.staged(b"second\n", attempt="0.1"))
        for replace in (False, True):
            with pytest.raises(ObjectNotFound, match="a later attempt has been published"):
                place.storage.publish(late, replace=replace)
        assert place.published() == b"second\n"

    def test_an_earlier_one_that_a_late_worker_has_published_is_replaced(self, place: Place) -> None:
        place.storage.publish(place.staged(b"first\n", attempt="0.0"))
        place.storage.publish(place.staged(b"second\n", attempt="0.1"))
        assert place.published() == b"second\n"

    @pytest.mark.parametrize("by", ["other job", "other task"])
    def test_those_of_others_are_replaced_only_where_that_is_wanted(self, place: Place, by: str) -> None:
        uid, attempt = ("old", "0.0") if by == "other job" else ("uid", "1.0")
        place.storage.publish(place.staged(b"old\n", uid=uid, attempt=attempt))
        receipt = place.staged(attempt="0.5")
        with pytest.raises(StorageError, match="something that this job did not write"):
            place.storage.publish(receipt)
        assert place.published() == b"old\n"
        place.storage.publish(receipt, replace=True)
        assert place.published() == DATA


class TestLateWorkers:
    """Tests of workers that continue after the end of the job."""

    def test_one_that_publishes_after_a_job_that_failed_shows_nothing(self, place: Place) -> None:
        receipt = place.staged()
        place.remove_job()
        with pytest.raises(ObjectNotFound):
            place.storage.publish(receipt)
        assert place.bucket.keys() == []

    def test_one_that_completes_after_all_was_removed_shows_nothing(self, place: Place, proxy: S3Proxy) -> None:
        receipt = place.staged()
        removed = Fault(name="removed", act=lambda _: place.remove_job())
        proxy.policy = Rules(Rule(removed, operation="CompleteMultipartUpload"))
        with pytest.raises(ObjectNotFound):
            place.storage.publish(receipt)
        assert place.bucket.keys() == []

    def test_one_that_publishes_after_the_next_job_did_changes_nothing(self, place: Place) -> None:
        receipt = place.staged(b"old\n", uid="old")
        place.storage.publish(receipt)
        place.remove_job("old")
        place.storage.publish(place.staged(), replace=True)
        for replace in (False, True):
            with pytest.raises(StorageError):
                place.storage.publish(receipt, replace=replace)
            assert place.published() == DATA

    def test_one_that_seals_gives_up_what_it_made(self, place: Place) -> None:
        output = place.storage.stage(f"{place.stage()}/0.0", target=place.target())
        output.write(DATA)
        place.remove_job()
        output.seal()
        output.abandon()
        assert place.bucket.uploads() == []
        assert place.bucket.keys() == []

    def test_what_one_leaves_that_dies_then_goes_with_the_next_removal(self, place: Place) -> None:
        place.remove_job()
        place.staged()
        place.remove_job()
        assert place.bucket.uploads() == []
        assert place.bucket.keys() == []
