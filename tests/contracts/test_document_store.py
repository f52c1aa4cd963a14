"""The contract of a document store, on which the board relies. Each store runs the whole suite."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from kubemr_shell.board.stores import json_patch
from kubemr_shell.board.stores.documents import JOB_LABEL, Document, DocumentStore
from kubemr_shell.board.stores.kubernetes import KubernetesStore
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.errors import AlreadyExists, BoardError, Conflict, DocumentNotFound
from tests.support.cluster import Cluster

KIND = "TaskShard"


@pytest.fixture(params=["sqlite", pytest.param("kubernetes", marks=pytest.mark.cluster)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DocumentStore]:
    if request.param == "kubernetes":
        cluster: Cluster = request.getfixturevalue("cluster")
        yield KubernetesStore(cluster.client, request.getfixturevalue("namespace"))
        return
    opened = SqliteStore(str(tmp_path / "board"), poll_seconds=0.005)
    yield opened
    opened.close()


def shard(name: str = "job-m-00000", job: str = "job") -> Document:
    return {
        "kind": KIND,
        "metadata": {"name": name, "labels": {JOB_LABEL: job}},
        "spec": {"first": 0, "count": 100},
        "state": {"next": 3, "done": "", "claims": {"w1": {"id": "c1", "r": "0-2", "hb": 0}}},
    }


def version(document: Document) -> str:
    text = document["metadata"]["resourceVersion"]
    assert isinstance(text, str)
    return text


def refused(error: pytest.ExceptionInfo[BoardError]) -> bool:
    return not isinstance(error.value, Conflict)


def test_a_created_document_can_be_read(store: DocumentStore) -> None:
    created = store.create(shard())
    assert store.get(KIND, "job-m-00000") == created
    assert created["state"] == shard()["state"]
    assert created["metadata"]["uid"]
    assert version(created)


def test_create_leaves_the_given_document_alone(store: DocumentStore) -> None:
    document = shard()
    store.create(document)["state"]["next"] = 99
    assert document == shard()
    assert store.get(KIND, "job-m-00000")["state"]["next"] == 3


def test_a_name_can_be_taken_once(store: DocumentStore) -> None:
    created = store.create(shard())
    with pytest.raises(AlreadyExists, match="job-m-00000"):
        store.create({**shard(), "state": {}})
    assert store.get(KIND, "job-m-00000") == created


def test_a_new_document_has_no_resource_version(store: DocumentStore) -> None:
    with pytest.raises(BoardError):
        store.create({**shard(), "metadata": {"name": "n", "resourceVersion": "1"}})


@pytest.mark.parametrize("document", [{}, {"kind": KIND}, {"kind": KIND, "metadata": {}}, {"metadata": {"name": "n"}}])
def test_a_document_has_a_kind_and_a_name(store: DocumentStore, document: Document) -> None:
    with pytest.raises(BoardError):
        store.create(document)


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, float("nan")])
def test_what_is_not_json_is_refused(store: DocumentStore, value: object) -> None:
    created = store.create(shard())
    with pytest.raises(BoardError, match="not JSON") as error:
        store.patch(KIND, "job-m-00000", [json_patch.replace("/state/done", value)])
    assert refused(error)
    with pytest.raises(BoardError, match="not JSON"):
        store.create({**shard("other"), "state": value})
    assert store.list(KIND) == [created]


def test_a_missing_document_is_named(store: DocumentStore) -> None:
    with pytest.raises(DocumentNotFound, match="nobody"):
        store.get(KIND, "nobody")
    with pytest.raises(DocumentNotFound, match="nobody"):
        store.patch(KIND, "nobody", [json_patch.replace("/state", {})])
    with pytest.raises(DocumentNotFound, match="nobody"):
        store.delete(KIND, "nobody")


def test_a_list_is_ordered_and_can_be_limited_to_a_job(store: DocumentStore) -> None:
    for name, job in [("b", "one"), ("c", "two"), ("a", "one")]:
        store.create(shard(name, job))
    assert [document["metadata"]["name"] for document in store.list(KIND)] == ["a", "b", "c"]
    assert [document["metadata"]["name"] for document in store.list(KIND, job="one")] == ["a", "b"]
    assert store.list(KIND, job="three") == []
    assert store.list(KIND, job="two") == [store.get(KIND, "c")]


def test_a_patch_changes_what_it_says_and_returns_it(store: DocumentStore) -> None:
    created = store.create(shard())
    patched = store.patch(
        KIND,
        "job-m-00000",
        [
            json_patch.test("/state/claims/w1/id", "c1"),
            json_patch.test("/state/claims/w2", None),
            json_patch.replace("/state/next", 5),
            json_patch.add("/state/claims/w2", {"id": "c2", "r": "3-4", "hb": 0}),
            json_patch.remove("/state/claims/w1"),
        ],
    )
    assert patched["state"] == {"next": 5, "done": "", "claims": {"w2": {"id": "c2", "r": "3-4", "hb": 0}}}
    assert version(patched) != version(created)
    assert patched["metadata"]["uid"] == created["metadata"]["uid"]
    assert store.get(KIND, "job-m-00000") == patched


@pytest.mark.parametrize(
    "refusing",
    [
        json_patch.test("/state/next", 4),
        json_patch.test("/state/claims/w1", None),
        json_patch.test("/state/gone/key", None),
        json_patch.test("/metadata/uid", "another"),
        json_patch.remove("/state/claims/w9"),
        json_patch.add("/state/gone/key", 1),
        {"op": "test", "path": "/state/next", "value": 3.0},
    ],
)
def test_a_patch_applies_wholly_or_not_at_all(store: DocumentStore, refusing: dict[str, Any]) -> None:
    created = store.create(shard())
    with pytest.raises(Conflict):
        store.patch(KIND, "job-m-00000", [json_patch.replace("/state/next", 9), refusing])
    with pytest.raises(Conflict):
        store.patch(KIND, "job-m-00000", [refusing, json_patch.replace("/state/next", 9)])
    assert store.get(KIND, "job-m-00000") == created


def test_text_outside_of_ascii_is_kept_but_equals_nothing(store: DocumentStore) -> None:
    store.create(shard())
    patched = store.patch(KIND, "job-m-00000", [json_patch.replace("/state/done", "é<&")])
    assert patched["state"]["done"] == "é<&"
    for text in ("é<&", "\\u00e9<&"):
        with pytest.raises(Conflict):
            store.patch(KIND, "job-m-00000", [{"op": "test", "path": "/state/done", "value": text}])


def test_null_passes_for_a_key_that_is_missing(store: DocumentStore) -> None:
    store.create(shard())
    assert store.patch(KIND, "job-m-00000", [json_patch.test("/state/claims/w2", None)])


def test_replace_of_a_missing_key_adds_it(store: DocumentStore) -> None:
    store.create(shard())
    claim = {"id": "c2", "r": "3-4", "hb": 0}
    patched = store.patch(KIND, "job-m-00000", [json_patch.replace("/state/claims/w2", claim)])
    assert patched["state"]["claims"]["w2"] == claim


def test_the_uid_can_be_tested(store: DocumentStore) -> None:
    created = store.create(shard())
    operations = [json_patch.test("/metadata/uid", created["metadata"]["uid"]), json_patch.replace("/state/next", 4)]
    assert store.patch(KIND, "job-m-00000", operations)["state"]["next"] == 4
    store.delete(KIND, "job-m-00000")
    assert store.create(shard())["metadata"]["uid"] != created["metadata"]["uid"]
    with pytest.raises(Conflict):
        store.patch(KIND, "job-m-00000", operations)


def test_the_resource_version_can_be_tested(store: DocumentStore) -> None:
    old = version(store.create(shard()))
    operations = [json_patch.test("/metadata/resourceVersion", old), json_patch.replace("/state/next", 4)]
    store.patch(KIND, "job-m-00000", operations)
    with pytest.raises(Conflict):
        store.patch(KIND, "job-m-00000", operations)


def test_setting_an_old_resource_version_is_a_conflict(store: DocumentStore) -> None:
    old = version(store.create(shard()))
    operations = [json_patch.replace("/metadata/resourceVersion", old), json_patch.replace("/state/next", 4)]
    patched = store.patch(KIND, "job-m-00000", operations)
    assert patched["state"]["next"] == 4
    assert version(patched) != old
    with pytest.raises(Conflict):
        store.patch(KIND, "job-m-00000", [*operations, json_patch.replace("/state/next", 5)])
    assert store.get(KIND, "job-m-00000") == patched


def test_a_patch_that_changes_nothing_is_not_a_write(store: DocumentStore) -> None:
    created = store.create(shard())
    for operations in (
        [],
        [json_patch.test("/state/next", 3)],
        [json_patch.replace("/state/next", 3)],
        [json_patch.replace("/state/next", 4), json_patch.replace("/state/next", 3)],
        [json_patch.remove("/state/done"), json_patch.add("/state/done", "")],
    ):
        assert store.patch(KIND, "job-m-00000", operations) == created
    assert store.get(KIND, "job-m-00000") == created


def test_every_change_has_a_new_resource_version(store: DocumentStore) -> None:
    seen = [version(store.create(shard("a"))), version(store.create(shard("b")))]
    for i in range(5, 15):
        seen.append(version(store.patch(KIND, "a", [json_patch.replace("/state/next", i)])))
        seen.append(version(store.patch(KIND, "b", [json_patch.replace("/state/next", i)])))
    assert len(set(seen)) == len(seen)


def test_a_patch_cannot_rename(store: DocumentStore) -> None:
    created = store.create(shard())
    with pytest.raises(BoardError) as error:
        store.patch(KIND, "job-m-00000", [json_patch.replace("/metadata/name", "other")])
    assert refused(error)
    assert store.list(KIND) == [created]


@pytest.mark.lengthy
def test_ten_thousand_operations_are_the_limit(store: DocumentStore) -> None:
    store.create(shard())
    patch = [json_patch.replace("/state/next", i) for i in range(10_000)]
    patched = store.patch(KIND, "job-m-00000", patch)
    assert patched["state"]["next"] == 9_999
    with pytest.raises(BoardError, match="10001 operations; the limit is 10000") as error:
        store.patch(KIND, "job-m-00000", [*patch, json_patch.replace("/state/next", 0)])
    assert refused(error)
    assert store.get(KIND, "job-m-00000") == patched


def test_a_document_that_grows_too_large_is_refused(store: DocumentStore) -> None:
    created = store.create(shard())
    with pytest.raises(BoardError, match="limit") as error:
        store.patch(KIND, "job-m-00000", [json_patch.replace("/state/done", "1" * (3 << 19))])
    assert refused(error)
    with pytest.raises(BoardError, match="limit") as error:
        store.create({**shard("other"), "state": {"done": "1" * (3 << 19)}})
    assert refused(error)
    assert store.list(KIND) == [created]


def test_a_body_that_is_too_large_is_refused_even_if_little_is_left_of_it(store: DocumentStore) -> None:
    store.create(shard())
    operations = [json_patch.replace("/state/done", "1" * (3 << 20)), json_patch.replace("/state/done", "")]
    with pytest.raises(BoardError, match="limit") as error:
        store.patch(KIND, "job-m-00000", operations)
    assert refused(error)


def test_what_is_deleted_is_gone_and_its_name_free(store: DocumentStore) -> None:
    store.create(shard())
    store.delete(KIND, "job-m-00000")
    assert store.list(KIND) == []
    with pytest.raises(DocumentNotFound):
        store.get(KIND, "job-m-00000")
    store.create(shard())


def test_of_two_writers_that_read_the_same_one_wins(store: DocumentStore) -> None:
    """Many threads add one to a number by test and replace: no addition is lost."""
    store.create(shard())

    def add_ten() -> None:
        for _ in range(10):
            while True:
                old = store.get(KIND, "job-m-00000")["state"]["next"]
                try:
                    store.patch(
                        KIND,
                        "job-m-00000",
                        [json_patch.test("/state/next", old), json_patch.replace("/state/next", old + 1)],
                    )
                except Conflict:
                    continue
                break

    threads = [Thread(target=add_ten) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get(KIND, "job-m-00000")["state"]["next"] == 43


class TestWatch:
    def test_begins_with_what_is_there(self, store: DocumentStore) -> None:
        documents = [store.create(shard("a")), store.create(shard("b"))]
        assert list(store.watch(KIND, seconds=0)) == [("ADDED", document) for document in documents]

    def test_goes_on_from_a_resource_version(self, store: DocumentStore) -> None:
        store.create(shard("a"))
        gone = store.create(shard("gone"))
        since = version(gone)
        added = store.create(shard("b"))
        modified = store.patch(KIND, "a", [json_patch.replace("/state/next", 4)])
        store.delete(KIND, "gone")
        changes = list(store.watch(KIND, since=since, seconds=0))
        assert changes[:2] == [("ADDED", added), ("MODIFIED", modified)]
        [(last, document)] = changes[2:]
        assert (last, document["metadata"]["uid"]) == ("DELETED", gone["metadata"]["uid"])
        assert list(store.watch(KIND, since=version(document), seconds=0)) == []

    def test_a_recreated_document_is_deleted_and_added(self, store: DocumentStore) -> None:
        old = store.create(shard())
        store.delete(KIND, "job-m-00000")
        new = store.create(shard())
        changes = list(store.watch(KIND, since=version(old), seconds=0))
        assert [(change, document["metadata"]["uid"]) for change, document in changes] == [
            ("DELETED", old["metadata"]["uid"]),
            ("ADDED", new["metadata"]["uid"]),
        ]

    def test_says_nothing_of_the_end_of_what_it_said_nothing_of(self, store: DocumentStore) -> None:
        old = store.create(shard("a"))
        brief = store.create(shard("b"))
        store.delete(KIND, "b")
        changes = [change for change, document in store.watch(KIND, since=version(old), seconds=0)]
        assert changes in ([], ["ADDED", "DELETED"])
        assert next(store.watch(KIND, since=version(brief), seconds=0))[0] == "DELETED"

    def test_sees_what_happens_later_until_it_is_stopped(self, store: DocumentStore) -> None:
        created = store.create(shard())
        stop = Event()
        changes = store.watch(KIND, since=version(created), seconds=60, stop=stop)
        thread = Thread(target=store.patch, args=(KIND, "job-m-00000", [json_patch.replace("/state/next", 4)]))
        thread.start()
        change, document = next(changes)
        thread.join()
        assert (change, document["state"]["next"]) == ("MODIFIED", 4)
        stop.set()
        assert list(changes) == []

    def test_stops_between_two_changes(self, store: DocumentStore) -> None:
        for name in ("a", "b", "c"):
            store.create(shard(name))
        stop = Event()
        changes = store.watch(KIND, seconds=60, stop=stop)
        next(changes)
        stop.set()
        assert list(changes) == []

    def test_goes_on_only_from_a_resource_version(self, store: DocumentStore) -> None:
        with pytest.raises(BoardError, match="yesterday"):
            list(store.watch(KIND, since="yesterday", seconds=0))

    def test_ends_in_time(self, store: DocumentStore) -> None:
        created = store.create(shard())
        assert list(store.watch(KIND, since=version(created), seconds=0.05)) == []

    def test_other_kinds_are_not_seen(self, store: DocumentStore) -> None:
        store.create(shard())
        assert list(store.watch("MapReduceJob", seconds=0)) == []
