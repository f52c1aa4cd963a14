"""Tests of the logs of real pods. Each test decides what its pods write."""

from __future__ import annotations

import signal

import pytest

from tests.support.desk import Desk
from tests.support.pods import load_image
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

IMAGE = "debian:bookworm-slim"
"""Any image with a shell; it is what the base image is made from."""


@pytest.fixture(scope="session")
def image(cluster: object) -> str:
    load_image(IMAGE)
    return IMAGE


def pod(desk: Desk, name: str, script: str, *, job: str = "words", image: str = IMAGE) -> None:
    labels = {"turbobytes.com/job": job, "turbobytes.com/role": "worker"}
    container = {"name": "worker", "image": image, "command": ["sh", "-c", script], "imagePullPolicy": "IfNotPresent"}
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]}
    metadata = {"name": name, "labels": labels}
    desk.cluster.apply(
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, namespace=desk.namespace
    )


def until_phase(desk: Desk, name: str, phase: str) -> None:
    until(lambda: desk.object("pod", name)["status"].get("phase") == phase, f"{name} is {phase}")


def test_each_line_stands_after_its_pod_with_its_bytes(desk: Desk, image: str) -> None:
    desk.run("submit", desk.words())
    pod(desk, "words-0-a", r"printf 'map/1.0: one\nmap/17.1: \377\001 two\n\nour own words\nmap/1.10: end'")
    pod(desk, "words-1-b", r"printf 'reduce/1.0: three\n'; head -c 40000 /dev/zero | tr '\0' y")
    pod(desk, "other-0-c", "echo another job", job="other")
    for name in ("words-0-a", "words-1-b"):
        until_phase(desk, name, "Succeeded")
    lines = desk.run("logs", "words").stdout.split(b"\n")
    assert lines == [
        b"words-0-a: map/1.0: one",
        b"words-0-a: map/17.1: \xff\x01 two",
        b"words-0-a: ",
        b"words-0-a: our own words",
        b"words-0-a: map/1.10: end",
        b"words-1-b: reduce/1.0: three",
        b"words-1-b: " + b"y" * 40000,
        b"",
    ]
    assert desk.run("logs", "words", "map/17").stdout == b"words-0-a: map/17.1: \xff\x01 two\n"
    assert desk.run("logs", "words", "map/1").stdout.count(b"\n") == 2
    nothing = desk.run("logs", "words", "map/2")
    assert (nothing.code, nothing.stdout) == (0, b"")
    assert "map/2 has written nothing to stderr" in nothing.stderr


def test_a_job_whose_commands_wrote_nothing_is_said_to_be_so(desk: Desk, image: str) -> None:
    desk.run("submit", desk.words())
    pod(desk, "words-0-a", "true")
    until_phase(desk, "words-0-a", "Succeeded")
    done = desk.run("logs", "words")
    assert (done.code, done.stdout) == (0, b"")
    assert "the commands of words have written nothing to stderr" in done.stderr


def test_lines_are_followed_in_all_pods_until_the_job_has_ended(desk: Desk, image: str) -> None:
    desk.run("submit", desk.words())
    following = desk.start("logs", "words", "--follow", "-n", desk.namespace)
    pod(desk, "words-0-a", "echo first; sleep 300")
    until(lambda: following.stdout.read_bytes() == b"words-0-a: first\n", "the first line")
    pod(desk, "words-1-b", "echo second")
    until(lambda: b"words-1-b: second\n" in following.stdout.read_bytes(), "the second line")
    desk.set_status(state="CANCELLED")
    desk.cluster.kubectl("-n", desk.namespace, "delete", "pod", "words-0-a", "--now")
    assert following.wait().code == 0


def test_following_ends_quietly_on_an_interrupt(desk: Desk, image: str) -> None:
    desk.run("submit", desk.words())
    pod(desk, "words-0-a", "echo first; sleep 300")
    following = desk.start("logs", "words", "-f", "-n", desk.namespace)
    until(following.stdout.read_bytes, "the first line")
    following.process.send_signal(signal.SIGTERM)
    done = following.wait()
    assert (done.code, done.stderr) == (143, "")


def test_why_there_are_no_logs_is_said(desk: Desk) -> None:
    desk.run("submit", desk.words())
    done = desk.run("logs", "words")
    assert (done.code, "job words is NEW and has no pods" in done.stderr) == (3, True)
    pod(desk, "words-0-a", "true", image="kubemr.invalid/none:0")
    waiting = ("ErrImagePull", "ImagePullBackOff")

    def reason() -> str:
        [status] = desk.object("pod", "words-0-a")["status"].get("containerStatuses") or [{}]
        return str(((status.get("state") or {}).get("waiting") or {}).get("reason"))

    until(lambda: reason() in waiting, "the image is missed")
    done = desk.run("logs", "words")
    assert (done.code, done.stdout) == (0, b"")
    assert "words-0-a" in done.stderr


def test_a_task_has_a_phase_and_a_number(desk: Desk) -> None:
    done = desk.run("logs", "words", "map17")
    assert (done.code, "write map/17 or reduce/3" in done.stderr) == (2, True)
