"""Tests of the objects and uploads that the removal of a job in S3 deletes, and of those that it keeps."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from kubemr_shell.errors import ObjectNotFound, StorageUnavailable
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.storage import s3
from kubemr_shell.storage.s3 import S3Storage
from kubemr_shell.waits.retry import Patience
from tests.storage.s3_place import DATA, Died, Place
from tests.support import s3_faults
from tests.support.http_server import serving
from tests.support.s3_faults import Fault, Rule, Rules
from tests.support.s3_proxy import S3Proxy


def begin(place: Place, *keys: str) -> None:
    for key in keys:
        place.bucket.client.create_multipart_upload(Bucket=place.bucket.name, Key=key)


def uploads(place: Place) -> list[str]:
    return sorted(key for key, _ in place.bucket.uploads())


def test_uploads_that_nobody_knows_go_with_the_job_that_may_have_begun_them(place: Place) -> None:
    others = ["out/put/data", "out/put/deep/part-00000", "out/put2/part-00000", "part-00000", "out/put/part-1"]
    begin(place, *others, "out/put/part-00000", "out/put/part-00001.gz", "out/put/part-123456.zst", "out/put/_SUCCESS")
    place.remove_job()
    assert uploads(place) == sorted(others)


def test_an_upload_whose_beginning_was_never_answered_is_found(place: Place, proxy: S3Proxy) -> None:
    proxy.policy = Rules(Rule(s3_faults.LOST, operation="CreateMultipartUpload", times=2))
    place.storage.publish(place.staged())
    assert uploads(place) == ["out/put/part-00000"] * 2
    place.remove_job()
    assert uploads(place) == []
    assert place.published() == DATA


def test_all_that_a_job_left_goes_and_what_it_published_stays(place: Place) -> None:
    place.storage.publish(place.staged())
    place.staged(attempt="1.0", part="part-00001")
    half = place.storage.stage(f"{place.stage()}/2.0", target=place.target("part-00002"))
    half.write(bytes(9 << 20))
    place.storage.write(f"{place.output}/_kubemr/uid/journal/x", b"x")
    place.bucket.put("out/put/_kubemr/owner", b"owner")
    place.bucket.put("out/put/_kubemr/uid2/x", b"another's")
    place.remove_job()
    half.abandon()
    assert uploads(place) == []
    assert place.bucket.keys() == ["out/put/_kubemr/owner", "out/put/_kubemr/uid2/x", "out/put/part-00000"]


def test_what_another_job_has_sealed_stays_for_it_to_publish(place: Place) -> None:
    """The other job can be resumed, and its finished tasks need not run again."""
    sealed = place.staged(b"other's\n", uid="other")
    place.staged(attempt="0.0")
    place.remove_job()
    assert uploads(place) == ["out/put/part-00000"]
    place.storage.publish(sealed)
    assert place.published() == b"other's\n"


def test_temporaries_elsewhere_go_with_the_uploads_below_them_only(place: Place) -> None:
    tmp = f"{place.bucket.uri}/tmp/uid"
    staged = place.storage.stage(f"{tmp}/map/0.0.sent", target=f"{tmp}/map/0.0")
    staged.write(DATA)
    place.storage.publish(staged.seal())
    begin(place, "tmp/uid/map/1.0", "tmp/uid2/map/1.0", "tmp/part-00000", "tmp/uid")
    place.storage.delete_tree(f"{tmp}/")
    assert uploads(place) == ["tmp/part-00000", "tmp/uid", "tmp/uid2/map/1.0"]
    assert place.bucket.keys() == []


@pytest.mark.parametrize(
    "operation", ["ListObjectsV2", "ListMultipartUploads", "DeleteObjects", "AbortMultipartUpload"]
)
@pytest.mark.parametrize("fault", [s3_faults.LOST, s3_faults.INTERNAL])
def test_lost_answers_leave_nothing_behind(place: Place, proxy: S3Proxy, operation: str, fault: Fault) -> None:
    place.staged()
    place.staged(attempt="0.1")
    proxy.policy = Rules(Rule(fault, operation=operation, times=2))
    place.remove_job()
    assert uploads(place) == []
    assert place.bucket.keys() == []
    assert proxy.faults()[fault.name] == 2 or operation == "ListObjectsV2"


@pytest.mark.parametrize("after", [False, True])
def test_a_removal_that_died_can_be_seen_and_is_done_again(place: Place, after: bool) -> None:
    """While an upload of the job exists, one of its objects exists too."""
    for last in range(20):
        place.staged()
        place.staged(attempt="1.0", part="part-00001")
        try:
            place.mortal(last, after=after).delete_tree(f"{place.output}/_kubemr/uid")
        except Died:
            assert place.bucket.keys() or not uploads(place)
            place.remove_job()
        else:
            break
        assert uploads(place) == []
        assert place.bucket.keys() == []
    assert 4 < last < 19, "it died at each of its requests"


@pytest.mark.parametrize("is_sealed", [False, True])
def test_abandoning_what_another_worker_began_spares_other_attempts(place: Place, is_sealed: bool) -> None:
    """An upload without a receipt has no known owner. The removal of the job removes the upload."""
    living = place.staged(b"living\n", attempt="0.1")
    dead = place.storage.stage(f"{place.stage()}/0.0", target=place.target())
    dead.write(bytes(9 << 20))
    if is_sealed:
        dead.seal()
    place.storage.abandon(f"{place.stage()}/0.0")
    assert len(uploads(place)) == (1 if is_sealed else 2)
    assert place.bucket.keys() == ["out/put/_kubemr/uid/stage/0.1"]
    place.storage.publish(living)
    assert place.published() == b"living\n"
    dead.abandon()


def test_a_bucket_that_is_missing_is_said_at_the_start(place: Place) -> None:
    with pytest.raises(ObjectNotFound, match="there is no bucket kubemr-test-missing"):
        place.storage.make_folder("s3://kubemr-test-missing/out/_kubemr/uid/stage")


def test_nothing_is_to_be_removed_in_a_bucket_that_is_gone(place: Place) -> None:
    place.staged()
    with place.bucket.away():
        place.remove_job()
        place.storage.delete_tree(f"{place.output}/tmp")


@pytest.mark.lengthy
def test_a_server_that_knows_no_buckets_does_not_say_that_one_is_gone() -> None:
    """A server that answers 404 to all requests may be the wrong one, so its answer does not mean "removed"."""
    with serving({}) as server:
        storage = S3Storage(S3Client(S3Config(endpoint=server.url(""), path_style=True)))
        with pytest.raises(ObjectNotFound, match="there is no bucket bucket"):
            storage.delete_tree("s3://bucket/out/_kubemr/uid")


@pytest.mark.usefixtures("place")
def test_a_server_that_is_down_at_the_start_is_given_up_as_soon_as_while_listing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(s3, "LISTING_PATIENCE", Patience(budget=0.1))
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        storage = S3Storage(S3Client(S3Config(endpoint=f"http://127.0.0.1:{unused.getsockname()[1]}")))
        with pytest.raises(StorageUnavailable, match=r"it refuses connections(, tried for [0-9.]+ s)?: check"):
            storage.make_folder("s3://bucket/tmp/uid/plan")


@pytest.mark.slow
def test_many_objects_and_uploads_are_more_than_a_page(place: Place) -> None:
    for number in range(1005):
        begin(place, f"out/put/part-{number:05d}")
        place.bucket.put(f"out/put/_kubemr/uid/stage/{number}.0", b"")
    place.remove_job()
    assert uploads(place) == []
    assert place.bucket.keys() == []
