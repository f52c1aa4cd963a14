"""Tests of the owner of an output in S3, against a real server."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kubemr_shell.errors import KubemrError, StorageError, UsageError
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.outputs.prefix_owner import Owner, OwnerObject, refusal
from kubemr_shell.storage import ownership
from tests.support.s3_faults import LOST, Fault, Policy, Rule, Rules
from tests.support.s3_proxy import proxying
from tests.support.s3_requests import Request
from tests.support.s3_server import Bucket

KEY = "out/_kubemr/owner"


class World:
    """Runs that hold locks of their own, on this machine or seemingly on other machines."""

    def __init__(self, folder: Path, bucket: Bucket) -> None:
        self._folder = folder
        self._locks = ExitStack()
        self.bucket = bucket
        self.object = self.object_at(bucket.server.endpoint)

    def object_at(self, endpoint: str) -> OwnerObject:
        return OwnerObject(S3Client(S3Config(endpoint=endpoint)), f"{self.bucket.uri}/out")

    def run(self, name: str) -> tuple[Owner, ownership.Ownership]:
        lock = ownership.hold(str(self._folder / name))
        assert lock is not None
        self._locks.callback(lock.release)
        return Owner.this_process(lock.path), lock

    def close(self) -> None:
        self._locks.close()


@pytest.fixture
def world(tmp_path: Path, bucket: Bucket) -> Iterator[World]:
    world = World(tmp_path, bucket)
    yield world
    world.close()


def take(world: World, owner: Owner, *, replace: bool = False, force: bool = False) -> None:
    world.object.take(owner, replace=replace, force=force)


def test_a_living_run_on_this_machine_is_not_replaced_by_any_means(world: World) -> None:
    first, _ = world.run("first")
    second, _ = world.run("second")
    take(world, first)
    for flags in ({}, {"replace": True}, {"replace": True, "force": True}):
        with pytest.raises(UsageError, match=f"another run is at work .*process {os.getpid()}"):
            take(world, second, **flags)
    assert world.object.read() is not None


def test_the_next_run_with_the_same_lock_goes_on(world: World) -> None:
    first, lock = world.run("lock")
    take(world, first)
    lock.release()
    again, _ = world.run("lock")
    take(world, again)
    found = world.object.read()
    assert found is not None
    assert found[0] == again


def test_a_dead_run_with_its_state_elsewhere_is_replaced_if_that_is_asked_for(world: World) -> None:
    first, lock = world.run("first")
    take(world, first)
    lock.release()
    second, _ = world.run("second")
    with pytest.raises(UsageError, match="--resume continues it only there, --overwrite starts again"):
        take(world, second)
    take(world, second, replace=True)
    world.object.remove(first)
    assert world.bucket.keys() == [KEY], "it is not the first one's any more"
    world.object.remove(second)
    assert world.bucket.keys() == []


def test_whether_a_run_on_another_machine_lives_nobody_can_tell(world: World) -> None:
    """The lock of the other run cannot be found. Another file with the name of the lock proves nothing."""
    first, lock = world.run("first")
    take(world, first)
    lock.release()
    os.unlink(lock.path)
    Owner.this_process(lock.path)
    second, _ = world.run("second")
    for flags in ({}, {"replace": True}):
        with pytest.raises(UsageError, match="clean --force s3://"):
            take(world, second, **flags)
    take(world, second, replace=True, force=True)


def test_a_run_that_was_stopped_on_another_machine_says_so(world: World) -> None:
    first, lock = world.run("first")
    take(world, first)
    world.object.stop(first)
    lock.release()
    os.unlink(lock.path)
    second, _ = world.run("second")
    with pytest.raises(UsageError, match="--overwrite"):
        take(world, second)
    take(world, second, replace=True)


def without_conditions(request: Request) -> Fault | None:
    has_one = "if-none-match" in request.headers or "if-match" in request.headers
    return Fault(name="501", status=501, code="NotImplemented") if has_one else None


@pytest.mark.parametrize(
    "policy", [without_conditions, Rules(Rule(LOST, operation="PutObject"))], ids=["no conditions", "answer lost"]
)
def test_servers_that_know_no_conditions_and_answers_that_are_lost(world: World, policy: Policy) -> None:
    first, lock = world.run("first")
    second, _ = world.run("second")
    with proxying(world.bucket.server.endpoint, policy) as proxy:
        there = world.object_at(proxy.endpoint)
        there.take(first, replace=False, force=False)
        with pytest.raises(UsageError, match="another run"):
            there.take(second, replace=True, force=False)
        lock.release()
        there.take(second, replace=True, force=False)


def test_of_many_that_want_it_at_once_one_gets_it(world: World) -> None:
    owners = [world.run(f"lock-{index}")[0] for index in range(8)]
    got, refused = [], []
    start = threading.Barrier(len(owners))

    def want(owner: Owner) -> None:
        start.wait()
        try:
            take(world, owner)
            got.append(owner)
        except UsageError as error:
            refused.append(error)

    threads = [threading.Thread(target=want, args=(owner,)) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused)) == (1, 7)
    found = world.object.read()
    assert found is not None
    assert found[0] == got[0]


@pytest.mark.parametrize("text", [b"", b"[]", b"\xff", b'{"token": "a"}'])
def test_an_object_that_is_not_ours_is_named(world: World, text: bytes) -> None:
    world.bucket.put(KEY, text)
    ours, _ = world.run("lock")
    with pytest.raises(StorageError, match="owner: kubemr-shell did not write this object"):
        take(world, ours, replace=True, force=True)


def test_stopping_never_waits_long_nor_fails(world: World) -> None:
    ours, _ = world.run("lock")
    world.object_at("http://127.0.0.1:1").stop(ours)


@pytest.mark.parametrize(
    ("is_alive", "is_running", "replace", "force", "is_refused"),
    [
        (True, True, True, True, True),
        (None, True, True, False, True),
        (None, True, False, True, False),
        (None, False, False, False, True),
        (None, False, True, False, False),
        (False, True, False, False, True),
        (False, True, True, False, False),
    ],
)
def test_who_is_refused(is_alive: bool | None, is_running: bool, replace: bool, force: bool, is_refused: bool) -> None:
    owner = Owner(token="t", lock="/l", host="h", user="u", process=7, since="then", is_running=is_running)
    error = refusal(owner, "s3://b/out", is_alive=is_alive, replace=replace, force=force)
    assert isinstance(error, KubemrError) == is_refused
    assert "process 7 of u on h" in str(error) or error is None
