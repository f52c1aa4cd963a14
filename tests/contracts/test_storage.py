"""The contract of a storage, on which all other parts rely. Each storage runs the whole suite."""

import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

import pytest

from kubemr_shell.errors import ObjectNotFound, StorageError
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.storage.interface import Receipt, Storage
from kubemr_shell.storage.locate import locate
from tests.support.s3_server import Bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A storage, and an empty place in it with an output and a folder for what is staged."""

    storage: Storage
    output: str
    stage: str

    def staged(self, data: bytes = b"one\ntwo\n", *, attempt: str = "0.0", part: str = "part-00000") -> Receipt:
        output = self.storage.stage(f"{self.stage}/{attempt}", target=f"{self.output}/{part}")
        output.write(data)
        return output.seal()

    def names(self, prefix: str = "") -> list[str]:
        """Return the names in the output, without the state of the job."""
        names = [info.uri.removeprefix(f"{self.output}/") for info in self.storage.list(f"{self.output}/{prefix}")]
        return [name for name in names if prefix or not name.startswith("_kubemr/")]


@pytest.fixture(params=["path", "file://", pytest.param("s3://", marks=pytest.mark.s3)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    output = f"{request.param.removeprefix('path')}{tmp_path}/output"
    s3 = S3Config()
    if request.param == "s3://":
        bucket: Bucket = request.getfixturevalue("bucket")
        output = f"{bucket.uri}/output"
        s3 = S3Config(endpoint=bucket.server.endpoint)
    storage = locate(output, s3)
    stage = f"{output}/_kubemr/uid/stage"
    storage.make_folder(stage)
    return Place(storage=storage, output=output, stage=stage)


class TestObjects:
    def test_are_read_as_they_were_written(self, place: Place) -> None:
        for data in (b"", b"\0\xff\r\n", b"x" * 3_000_001):
            place.storage.write(f"{place.output}/object", data)
            assert place.storage.read(f"{place.output}/object") == data

    def test_are_read_in_part(self, place: Place) -> None:
        uri = f"{place.output}/object"
        data = bytes(range(256)) * 10_000
        place.storage.write(uri, data)
        assert place.storage.read_range(uri, 0, 1) == data[:1]
        assert place.storage.read_range(uri, 77, 2_000_000) == data[77:2_000_000]
        assert place.storage.read_range(uri, 2_559_999, 9_999_999) == data[-1:]
        assert place.storage.read_range(uri, 9_999_999, 10_000_000) == b""
        assert place.storage.read_range(uri, 5, 5) == b""

    def test_that_are_missing_are_named(self, place: Place) -> None:
        uri = f"{place.output}/missing"
        with pytest.raises(ObjectNotFound, match="output/missing"):
            place.storage.read(uri)
        with pytest.raises(ObjectNotFound, match="output/missing"):
            place.storage.read_range(uri, 0, 1)

    def test_can_be_deleted_twice(self, place: Place) -> None:
        uri = f"{place.output}/object"
        place.storage.write(uri, b"x")
        place.storage.delete(uri)
        place.storage.delete(uri)
        with pytest.raises(ObjectNotFound):
            place.storage.read(uri)

    def test_are_replaced_as_a_whole(self, place: Place) -> None:
        """A reader beside a writer sees one of the two objects, never a mixture or nothing."""
        uri = f"{place.output}/object"
        contents = [letter * 400_000 for letter in (b"a", b"b")]
        place.storage.write(uri, contents[0])

        def write() -> None:
            for i in range(60):
                place.storage.write(uri, contents[i % 2])

        writer = Thread(target=write)
        writer.start()
        seen = [place.storage.read(uri)]
        while writer.is_alive():
            seen.append(place.storage.read(uri))
        writer.join()
        assert set(seen) <= set(contents)
        assert place.names("") == ["object"]

    def test_have_a_fingerprint_that_changes_with_them(self, place: Place) -> None:
        uri = f"{place.output}/object"
        place.storage.write(uri, b"one")
        [before] = place.storage.list(uri)
        assert [before] == list(place.storage.list(uri))
        place.storage.write(uri, b"four")
        [after] = place.storage.list(uri)
        assert (before.size, after.size) == (3, 4)
        assert before.fingerprint != after.fingerprint


class TestLists:
    def test_are_by_prefix_and_ordered_by_bytes(self, place: Place) -> None:
        for name in ("b", "a-b", "a", "ab", "B"):
            place.storage.write(f"{place.output}/{name}", b"")
        place.storage.make_folder(f"{place.output}/a.d/e")
        place.storage.write(f"{place.output}/a.d/e/f", b"12")
        assert place.names("") == ["B", "a", "a-b", "a.d/e/f", "ab", "b"]
        assert place.names("a") == ["a", "a-b", "a.d/e/f", "ab"]
        assert place.names("a.d/") == ["a.d/e/f"]
        assert place.names("a.d/e/g") == []

    def test_of_nothing_are_empty(self, place: Place) -> None:
        assert place.names("missing/folder/") == []
        assert place.names("") == [], "folders are no objects"

    def test_give_uris_that_can_be_read(self, place: Place) -> None:
        place.storage.write(f"{place.output}/object", b"x")
        assert [place.storage.read(info.uri) for info in place.storage.list(f"{place.output}/")] == [b"x"]


class TestTrees:
    def test_are_deleted_with_all_below(self, place: Place) -> None:
        place.storage.write(f"{place.stage}/object", b"")
        place.storage.write(f"{place.output}/_kubemr2", b"")
        place.staged()
        place.storage.delete_tree(f"{place.output}/_kubemr")
        assert place.names("") == ["_kubemr2"]
        place.storage.delete_tree(f"{place.output}/_kubemr")
        with pytest.raises(ObjectNotFound):
            place.storage.publish(
                Receipt(staged=f"{place.stage}/0.0", target=f"{place.output}/p", bytes=8, crc32=0, records=2)
            )


class TestStagedOutputs:
    def test_are_not_seen_before_they_are_published(self, place: Place) -> None:
        receipt = place.staged()
        assert place.names("part") == []
        place.storage.publish(receipt)
        assert place.names("") == ["part-00000"]
        assert place.storage.read(receipt.target) == b"one\ntwo\n"

    def test_have_a_receipt(self, place: Place) -> None:
        data = b"one\ntwo\nno line end"
        assert replace(place.staged(data), seal=0) == Receipt(
            staged=f"{place.stage}/0.0",
            target=f"{place.output}/part-00000",
            bytes=len(data),
            crc32=zlib.crc32(data),
            records=2,
        )

    def test_may_be_empty(self, place: Place) -> None:
        receipt = place.staged(b"")
        assert (receipt.bytes, receipt.crc32, receipt.records) == (0, 0, 0)
        place.storage.publish(receipt)
        assert place.storage.read(receipt.target) == b""

    def test_are_written_in_pieces(self, place: Place) -> None:
        output = place.storage.stage(f"{place.stage}/0.0", target=f"{place.output}/part-00000")
        pieces = [b"a" * 100_000, b"", b"\n", b"b" * 2_000_000, b"\n"]
        for piece in pieces:
            output.write(piece)
        receipt = output.seal()
        place.storage.publish(receipt)
        assert place.storage.read(receipt.target) == b"".join(pieces)
        assert (receipt.crc32, receipt.records) == (zlib.crc32(b"".join(pieces)), 2)

    def test_can_be_published_twice(self, place: Place) -> None:
        receipt = place.staged()
        place.storage.publish(receipt)
        place.storage.publish(receipt)
        assert place.names("") == ["part-00000"]

    def test_can_be_published_by_many_at_once(self, place: Place) -> None:
        receipts = [place.staged(attempt=f"{task}.0", part=f"part-{task:05d}") for task in range(50)]

        def publish_all(_: int) -> None:
            for receipt in receipts:
                place.storage.publish(receipt)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(publish_all, range(4)))
        assert place.names("") == [f"part-{task:05d}" for task in range(50)]

    def test_that_are_lost_are_not_found(self, place: Place) -> None:
        receipt = place.staged()
        place.storage.abandon(receipt.staged)
        with pytest.raises(ObjectNotFound, match=r"output/part-00000.*_kubemr/uid/stage/0\.0"):
            place.storage.publish(receipt)
        assert place.names("") == []

    def test_that_have_lost_bytes_are_not_found(self, place: Place) -> None:
        receipt = replace(place.staged(), bytes=9)
        with pytest.raises(ObjectNotFound, match="has 8 bytes, 9 were written"):
            place.storage.publish(receipt)
        assert place.names("part") == []

    def test_that_are_not_what_was_written_are_not_found(self, place: Place) -> None:
        receipt = replace(place.staged(), crc32=1, seal=0)
        with pytest.raises(ObjectNotFound, match="another checksum than"):
            place.storage.publish(receipt)
        assert place.names("part") == []

    def test_never_replace_what_is_not_ours(self, place: Place) -> None:
        for theirs in (b"theirs", b"ONE\nTWO\n"):
            receipt = place.staged()
            place.storage.write(receipt.target, theirs)
            with pytest.raises(StorageError, match="output/part-00000: something that this job did not write") as error:
                place.storage.publish(receipt)
            assert not isinstance(error.value, ObjectNotFound)
            assert place.storage.read(receipt.target) == theirs

    def test_that_are_gone_are_not_what_stands_there(self, place: Place) -> None:
        receipt = place.staged()
        place.storage.abandon(receipt.staged)
        for theirs in (b"theirs", b"ONE\nTWO\n"):
            place.storage.write(receipt.target, theirs)
            with pytest.raises(StorageError, match="output/part-00000: something that this job did not write"):
                place.storage.publish(receipt)

    def test_that_are_lost_are_not_an_older_result_of_equal_size(self, place: Place) -> None:
        place.storage.publish(place.staged(b"ONE\nTWO\n"))
        receipt = place.staged(attempt="0.1")
        place.storage.abandon(receipt.staged)
        with pytest.raises(ObjectNotFound, match="neither published nor staged"):
            place.storage.publish(receipt, replace=True)
        assert place.storage.read(receipt.target) == b"ONE\nTWO\n"

    def test_can_be_settled_wherever_they_are(self, place: Place) -> None:
        receipt = place.staged()
        place.storage.settle([receipt.staged, f"{place.stage}/9.9", place.output])
        place.storage.publish(receipt)
        place.storage.settle([receipt.target])
        place.storage.settle([])
        assert place.storage.read(receipt.target) == b"one\ntwo\n"

    def test_replace_an_older_result_where_that_is_wanted(self, place: Place) -> None:
        receipt = place.staged()
        place.storage.write(receipt.target, b"older")
        place.storage.publish(receipt, replace=True)
        assert place.storage.read(receipt.target) == b"one\ntwo\n"
        place.storage.publish(receipt, replace=True)
        place.storage.write(receipt.target, b"theirs")
        with pytest.raises(
            StorageError, match=r"output/part-00000: (something that this|neither published nor staged)"
        ):
            place.storage.publish(receipt, replace=True)
        assert place.storage.read(receipt.target) == b"theirs"

    def test_can_be_abandoned_at_any_time(self, place: Place) -> None:
        output = place.storage.stage(f"{place.stage}/0.0", target=f"{place.output}/part-00000")
        output.write(b"half")
        output.abandon()
        output.abandon()
        sealed = place.storage.stage(f"{place.stage}/0.1", target=f"{place.output}/part-00000")
        sealed.seal()
        sealed.abandon()
        place.storage.abandon(f"{place.stage}/0.1")
        assert place.names("") == []

    def test_of_an_attempt_that_died_do_not_stand_in_the_way(self, place: Place) -> None:
        """Even when the dead one writes on: his bytes are in nobody's part."""
        dead = place.storage.stage(f"{place.stage}/0.0", target=f"{place.output}/part-00000")
        dead.write(b"his bytes")
        receipt = place.staged(b"mine")
        dead.write(b"more of his")
        place.storage.publish(receipt)
        assert place.storage.read(receipt.target) == b"mine"
        dead.abandon()
