"""Tests of a job with a user's scripts in real pods, with the command line alone."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.desk import Desk, opened
from tests.support.pods import Site
from tests.support.waiting import until

pytestmark = pytest.mark.cluster


@pytest.fixture
def in_pods(site: Site, tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path / "desk"
    folder.mkdir()
    with opened(site.cluster, site.namespace, site.bucket, folder) as desk:
        yield desk


def test_scripts_and_archives_are_there_in_pods_and_what_they_say_is_in_the_logs(in_pods: Desk, site: Site) -> None:
    desk = in_pods
    script = '#!/bin/sh\necho "with $(cat data.tar/name)" >&2\ntr " " "\\n"\n'
    (desk.folder / "map.sh").write_text(script)
    (desk.folder / "name").write_text("care")
    with tarfile.open(desk.folder / "data.tar", "w") as archive:
        archive.add(desk.folder / "name", "name")
    file = desk.words(image=site.image, mapCommand="./map.sh", archives=["data.tar"])
    following = desk.start("submit", file, "--follow", "-n", desk.namespace)
    until(desk.job, "the job")
    logs = desk.start("logs", "words", "--follow", "-n", desk.namespace)
    done = following.wait()
    assert done.code == 0, done.stderr
    assert desk.run("results", "words").stdout == b"1 a\n2 b\n1 c\n"
    line = desk.run("logs", "words", "map/0").stdout
    assert line.startswith(b"words-0-")
    assert line.endswith(b": map/0.0: with care\n")
    assert line.count(b"\n") == 1
    assert line in logs.wait().stdout
    assert desk.run("delete", "words", "--wait").code == 0
    assert not desk.job()


def test_a_finished_job_has_its_reduces_done_again_by_new_pods(in_pods: Desk, site: Site) -> None:
    desk = in_pods
    file = desk.words(image=site.image, keepTmp=True, mapCommand="echo mapped >&2; tr ' ' '\\n'")
    first = desk.start("submit", file, "--wait", "-n", desk.namespace).wait()
    assert first.code == 0, first.stderr
    again = desk.start("retry", "words", "-r", "echo reduced >&2; wc -l", "--wait", "-n", desk.namespace).wait()
    assert again.code == 0, again.stderr
    assert desk.run("results", "words").stdout.strip() == b"4"
    logs = desk.run("logs", "words").stdout
    assert (b"reduced" in logs, b"mapped" in logs) == (True, False), "new pods have used the maps of before"


def test_in_a_pod_the_account_of_the_pod_is_asked_with(site: Site) -> None:
    """The pod has no kubeconfig. The namespace is that of the pod."""
    kubectl, namespace = site.cluster.kubectl, site.namespace
    kubectl("-n", namespace, "create", "role", "looks", "--verb=get,list", "--resource=mapreducejobs,taskshards")
    kubectl("-n", namespace, "create", "rolebinding", "looks", "--role=looks", f"--serviceaccount={namespace}:default")
    site.submit("words", inputs=["s3://none/none"], mapCommand="cat", suspend=True)
    command = ["/opt/kubemr/kubemr-shell", "list"]
    container = {"name": "list", "image": site.image, "command": command, "imagePullPolicy": "IfNotPresent"}
    pod = {"containers": [container], "restartPolicy": "Never"}
    site.cluster.apply(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "list"}, "spec": pod}, namespace=namespace
    )
    ended = ("Succeeded", "Failed")
    phase = "jsonpath={.status.phase}"
    site.until(lambda: kubectl("-n", namespace, "get", "pod", "list", "-o", phase) in ended)
    said = kubectl("-n", namespace, "logs", "list")
    assert said.split()[:1] == ["NAME"], said
    assert said.splitlines()[1].startswith("words ")
