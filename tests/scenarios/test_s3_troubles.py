"""Tests of the messages if the object store is not as the job says, cannot be reached, or refuses access."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from kubemr_shell.net.s3_client import CALL_PATIENCE
from tests.scenarios.jobs import WordCount
from tests.scenarios.s3_runs import NAME, S3Place
from tests.support.runs import WAIT
from tests.support.s3_faults import Fault, Rule, Rules
from tests.support.s3_proxy import proxying
from tests.support.waiting import until

OWNER = f"{NAME}/_kubemr/owner"
DENIED = Fault(name="denied", status=403, code="AccessDenied")


def assert_one_line(text: str) -> None:
    assert text.startswith("kubemr-shell: s3://")
    assert len(text.splitlines()) == 1, text


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "the secret key does not fit the access key"),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "the access key is not known"),
    ],
)
def test_wrong_credentials(s3: S3Place, environment: dict[str, str], says: str) -> None:
    for arguments in (s3.arguments("-q"), ["results", s3.output], ["clean", s3.output]):
        done = s3.run(*arguments, environment=environment)
        assert done.code == 7
        assert says in done.stderr
        assert_one_line(done.stderr)


def test_no_credentials(s3: S3Place) -> None:
    done = s3.start(*s3.arguments("-q"), under=("env", "-u", "AWS_ACCESS_KEY_ID", "-u", "AWS_SECRET_ACCESS_KEY")).wait()
    assert done.code == 7
    assert "there are no credentials (Unable to locate credentials): set AWS_ACCESS_KEY_ID" in done.stderr
    assert_one_line(done.stderr)


def test_a_bucket_that_is_missing(s3: S3Place) -> None:
    there = "s3://kubemr-test-nowhere/out"
    for arguments in (s3.arguments("-q", "-o", there), ["results", there], ["clean", there]):
        done = s3.run(*arguments)
        assert done.code == 1
        assert "there is no bucket kubemr-test-nowhere" in done.stderr
        assert_one_line(done.stderr)
    assert s3.place.attempts() == []


def test_an_endpoint_that_is_down_is_given_up(s3: S3Place) -> None:
    for arguments in (s3.arguments("-q"), ["results", s3.output]):
        done = s3.run(*arguments, environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
        assert done.code == 6
        assert "127.0.0.1:9" in done.stderr
        assert_one_line(done.stderr)


@pytest.mark.parametrize("output", ["s3://", "s3:///out", "s3://-bad-/out", "s3://b/out"])
def test_what_can_be_no_name_in_s3(s3: S3Place, output: str) -> None:
    for arguments in (s3.arguments("-o", output), ["results", output], ["clean", output]):
        done = s3.run(*arguments)
        assert done.code == 2
        assert "write s3://bucket/key" in done.stderr


def test_an_owner_that_is_not_ours(s3: S3Place) -> None:
    s3.bucket.put(f"{NAME}/_kubemr/owner", b"hello")
    done = s3.count("-q")
    assert done.code == 1
    assert "_kubemr/owner: kubemr-shell did not write this object: choose another prefix" in done.stderr


@pytest.mark.parametrize(
    "lost",
    [Rule(DENIED, operation="GetObject", key=OWNER, after=2), Rule(DENIED, operation="DeleteObject", key=OWNER)],
    ids=["at its beginning", "at its end"],
)
def test_a_run_that_cannot_give_its_output_back_is_known_by_the_next_one_from_here(s3: S3Place, lost: Rule) -> None:
    """The run loses its permissions directly after it wrote the owner, or at its end. Its result is complete."""
    with proxying(s3.bucket.server.endpoint, Rules(lost)) as proxy:
        done = replace(s3, endpoint=proxy.endpoint).count("-q")
    assert done.code == 0
    assert "kubemr-shell clean s3://" in done.stderr
    assert s3.bucket.keys(OWNER)
    done = s3.count("--overwrite")
    assert done.code == 0, done.stderr
    s3.assert_complete()


@pytest.mark.slow
def test_a_run_that_is_stopped_while_its_store_is_away_ends_soon(s3: S3Place) -> None:
    waiting = replace(s3, job=WordCount(before_reduce=WAIT))
    with s3.place.closed_gate():
        with proxying(s3.bucket.server.endpoint) as proxy:
            run = replace(waiting, endpoint=proxy.endpoint).start(*waiting.arguments())
            until(lambda: s3.place.attempts("reduce"), "a reduce task")
        began = time.monotonic()
        run.process.terminate()
        done = run.wait()
    assert done.code == 143
    assert time.monotonic() - began < CALL_PATIENCE.budget
    assert "continue with --resume" in done.stderr
    done = s3.count("--resume")
    assert done.code == 0, done.stderr
    s3.assert_complete()
