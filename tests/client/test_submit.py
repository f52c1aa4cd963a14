"""Tests of submitting and waiting, against a real API server, operator and object store."""

from __future__ import annotations

import base64
import threading
from typing import Any

import pytest

from kubemr_shell.client.packing import labels_of_files
from tests.client.kubeconfigs import kubeconfig, kubeconfig_of_user
from tests.support.api_proxy import Fault, proxy_to
from tests.support.desk import Command, Desk
from tests.support.waiting import until

pytestmark = pytest.mark.cluster


def test_a_submitted_job_is_waited_for_and_its_results_are_read(desk: Desk) -> None:
    desk.operator()
    submitted = desk.start("submit", desk.words(), "--follow", "-n", desk.namespace)
    desk.worker()
    done = submitted.wait()
    assert (done.code, done.stdout) == (0, b"mapreducejob/words submitted\n"), done.stderr
    assert f"1 part in {desk.bucket.uri}/out\n" in done.stderr
    assert "reduce   1 task: 4 records" in done.stderr
    assert desk.run("results", "words").stdout == b"1 a\n2 b\n1 c\n"
    assert desk.start("results", f"{desk.bucket.uri}/out").wait().stdout == b"1 a\n2 b\n1 c\n"
    status = desk.run("status", "words").stdout.decode()
    assert "state       COMPLETE" in status
    assert f"1 part in {desk.bucket.uri}/out" in status


def test_what_is_in_the_way_of_workers_is_said_while_waiting_and_in_tables(desk: Desk) -> None:
    desk.operator()
    waiting = desk.start("submit", desk.words(), "--wait", "-n", desk.namespace)
    waiting.until_said("ImageCannotBePulled: pod words-0-")
    waiting.until_said(f"kubemr-shell cancel words -n {desk.namespace} && kubemr-shell retry words -f JOB.yaml")
    for arguments in (("status", "words"), ("list",)):
        assert "DEPLOYED (ImageCannotBePulled)" in desk.run(*arguments).stdout.decode()
    done = waiting.interrupt()
    assert done.code == 130
    assert "the job continues: kubemr-shell status words -n" in done.stderr
    assert desk.job()["status"]["state"] == "DEPLOYED"


def test_a_job_that_fails_ends_the_waiting_with_its_one_screen(desk: Desk) -> None:
    desk.operator()
    file = desk.words(mapCommand="echo no such luck >&2; exit 3", maxAttempts=1)
    waiting = desk.start("submit", file, "--wait", "-n", desk.namespace)
    worker = desk.worker()
    done = waiting.wait()
    assert done.code == 4
    assert "job words failed: map/0, attempt 0: " in done.stderr
    assert "    | no such luck\n" in done.stderr
    assert f"kubemr-shell retry words -n {desk.namespace}" in done.stderr
    assert f"kubemr-shell logs words map/0 -n {desk.namespace}" in done.stderr
    assert "job words failed: map/0" in desk.run("status", "words").stdout.decode()
    refused = desk.run("results", "words")
    assert (refused.code, refused.stdout) == (4, b"")
    assert worker.wait().stdout == b"map/0.0: no such luck\n"


def test_a_store_that_cannot_be_asked_ends_the_job_with_its_first_worker(desk: Desk) -> None:
    """Otherwise each pod of the job would meet the same error, for minutes, before the job fails."""
    desk.operator()
    waiting = desk.start("submit", desk.words(s3={"region": "no region"}), "--wait", "-n", desk.namespace)
    assert desk.worker().wait().code == 0
    done = waiting.wait()
    assert done.code == 1
    assert f"job words failed: {desk.bucket.uri}/" in done.stderr
    assert "Provided region_name 'no region' doesn't match" in done.stderr
    mended = desk.start("retry", "words", "-f", desk.words(), "--wait", "-n", desk.namespace)
    desk.worker(name="y")
    assert mended.wait().code == 0


def test_without_an_operator_it_says_so_and_an_interrupt_leaves_the_job(desk: Desk) -> None:
    waiting = desk.start("submit", desk.words(), "--wait", "-n", desk.namespace)
    waiting.until_said("no operator has looked at it yet")
    assert waiting.interrupt().code == 130
    assert desk.job()["metadata"]["name"] == "words"
    assert "no operator has looked at it yet" in desk.run("status", "words").stdout.decode()
    assert "NEW" in desk.run("list").stdout.decode()


def test_a_job_that_is_deleted_meanwhile_ends_the_waiting(desk: Desk) -> None:
    waiting = desk.start("submit", desk.words(), "--follow", "-n", desk.namespace)
    until(desk.job, "the job")
    assert desk.run("delete", "words", "--wait").stdout == b"mapreducejob/words deleted\n"
    done = waiting.wait()
    assert (done.code, "the job was deleted" in done.stderr) == (3, True)


def test_scripts_and_files_travel_with_the_job_and_go_with_it(desk: Desk) -> None:
    (desk.folder / "map.py").write_bytes(b"#!/bin/sh\n\xff\0")
    (desk.folder / "data").write_bytes(b"1\n")
    (desk.folder / "list").write_text(f"{desk.bucket.uri}/in/\n")
    spec = {
        "inputsFrom": "list",
        "mapCommand": "./map.py",
        "files": ["data", "https://example.org/x", "/opt/of-the-image"],
    }
    done = desk.run("submit", desk.write("job.yaml", spec, job="files-"))
    assert done.code == 0
    assert "/opt/of-the-image is not on this machine: the image has to have it" in done.stderr
    name = done.stdout.decode().removeprefix("mapreducejob/").partition(" ")[0]
    job = desk.job(name)
    assert name.startswith("files-")
    assert job["spec"]["files"] == [
        *("/etc/kubemr/files/data", "https://example.org/x", "/opt/of-the-image"),
        "/etc/kubemr/files/map.py",
    ]
    assert job["spec"]["inputsFrom"] == "/etc/kubemr/files/kubemr-inputs-from"
    assert job["metadata"]["annotations"]["turbobytes.com/files"] == f"{name}-files"
    files = desk.object("configmap", f"{name}-files")
    assert {key: base64.b64decode(data) for key, data in files["binaryData"].items()} == {
        "map.py": b"#!/bin/sh\n\xff\0",
        "data": b"1\n",
        "kubemr-inputs-from": f"{desk.bucket.uri}/in/\n".encode(),
    }
    assert files["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]


def config_map(**metadata: Any) -> dict[str, Any]:
    """Make a ConfigMap with the name of the ConfigMap for the files of the job ``words``."""
    named = {"name": "words-files", **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": {"old": "1"}}


@pytest.mark.parametrize("verb", ["submit", "retry"])
def test_what_another_team_keeps_under_the_name_of_the_files_stays_theirs(desk: Desk, verb: str) -> None:
    (desk.folder / "map.sh").write_text("cat")
    desk.cluster.apply(config_map(labels={"whose": "theirs"}), namespace=desk.namespace)
    before = desk.object("configmap", "words-files")
    spec = {"inputs": ["s3://nowhere/in"], "mapCommand": "cat"}
    if verb == "retry":
        assert desk.run("submit", desk.write("job.yaml", spec)).code == 0
        desk.set_status(state="FAIL")
    file = desk.write("job.yaml", {**spec, "mapCommand": "./map.sh"})
    refused = desk.run(*(("submit", file) if verb == "submit" else ("retry", "words", "-f", file)))
    assert refused.code == 2
    assert "ConfigMap words-files in the namespace" in refused.stderr
    assert f"kubectl -n {desk.namespace} delete configmap words-files" in refused.stderr
    assert desk.object("configmap", "words-files") == before
    assert bool(desk.job()) == (verb == "retry")


def test_the_files_of_an_earlier_job_of_the_name_are_not_those_of_a_new_one(desk: Desk) -> None:
    """The garbage collector may still have to remove the old files, or never will after ``--cascade=orphan``."""
    desk.cluster.apply(config_map(labels=labels_of_files("words")), namespace=desk.namespace)
    (desk.folder / "map.sh").write_text("cat")
    file = desk.write("job.yaml", {"inputs": ["s3://nowhere/in"], "mapCommand": "./map.sh"})
    assert desk.run("submit", file).code == 0
    assert list(desk.object("configmap", "words-files")["binaryData"]) == ["map.sh"]
    again = desk.run("submit", file)
    assert again.code == 2
    assert "there is a job words in the namespace" in again.stderr
    assert list(desk.object("configmap", "words-files")["binaryData"]) == ["map.sh"]


REQUESTS = [
    ("GET", "mapreducejobs/words", False),
    ("POST", "mapreducejobs", False),
    ("POST", "mapreducejobs", True),
    ("POST", "configmaps", False),
    ("POST", "configmaps", True),
]


@pytest.mark.parametrize(("method", "path", "lands"), REQUESTS)
def test_a_submission_that_is_killed_is_mended_by_the_same_again(
    desk: Desk, method: str, path: str, lands: bool
) -> None:
    """The process dies during one of its requests, which may or may not take effect."""
    desk.operator()
    (desk.folder / "map.sh").write_text("tr ' ' '\\n'")
    file = desk.words(mapCommand="sh map.sh", files=["map.sh"])
    with proxy_to(desk.cluster.client) as proxy:
        started: list[Command] = []
        killed = threading.Event()

        def kill(asked: str, at: str) -> Fault | None:
            if asked != method or not at.partition("?")[0].endswith(path):
                return Fault.BROKEN if killed.is_set() else None
            until(lambda: started, "the process")
            started[0].process.kill()
            started[0].process.wait()
            killed.set()
            return None if lands else Fault.BROKEN

        proxy.policy = kill
        through = kubeconfig(desk.folder, proxy.url)
        started.append(desk.start("submit", file, "-n", desk.namespace, kubeconfig=through))
        until(killed.is_set, "the request")
        if lands:
            until(desk.job, "the job")
    if path == "configmaps":
        until(lambda: desk.job()["metadata"]["uid"], "the job")
    has_files = path == "configmaps" and lands
    if desk.job() and not has_files:
        desk.until_state("words", "PENDING")
    again = desk.run("submit", file)
    assert again.code == (2 if has_files else 0), again.stderr
    desk.until_state("words", "DEPLOYED")
    files = desk.object("configmap", "words-files")
    assert list(files["binaryData"]) == ["map.sh"]
    assert files["metadata"]["ownerReferences"][0]["uid"] == desk.job()["metadata"]["uid"]


def test_files_that_were_never_sent_are_sent_by_a_retry(desk: Desk) -> None:
    (desk.folder / "map.sh").write_text("cat")
    file = desk.write("job.yaml", {"inputs": ["s3://nowhere/in"], "mapCommand": "./map.sh"})
    desk.run("submit", file)
    desk.cluster.kubectl("-n", desk.namespace, "delete", "configmap", "words-files")
    desk.operator()
    desk.until_state("words", "PENDING")
    desk.set_status(state="FAIL")  # as after a minute
    assert desk.run("retry", "words", "-f", file).code == 0
    desk.until_state("words", "DEPLOYED")
    assert list(desk.object("configmap", "words-files")["binaryData"]) == ["map.sh"]


def test_a_job_whose_files_may_not_be_sent_is_not_left_behind(desk: Desk) -> None:
    (desk.folder / "map.sh").write_text("cat")
    file = desk.write("job.yaml", {"inputs": ["s3://nowhere/in"], "mapCommand": "./map.sh"})
    rules = [
        {"apiGroups": ["turbobytes.com"], "resources": ["*"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]},
    ]
    done = desk.run("submit", file, kubeconfig=kubeconfig_of_user(desk, rules))
    assert done.code == 7
    assert 'cannot create resource "configmaps"' in done.stderr
    until(lambda: not desk.job(), "the job is gone")


@pytest.mark.parametrize("arguments", [("submit", "job.yaml"), ("list",), ("status", "words"), ("cancel", "words")])
def test_a_missing_right_is_named(desk: Desk, arguments: tuple[str, ...]) -> None:
    desk.words()
    done = desk.run(*arguments, kubeconfig=kubeconfig_of_user(desk, []))
    assert done.code == 7
    assert "cannot " in done.stderr
    assert "ask the administrator of the cluster" in done.stderr


def test_an_api_server_that_is_away_for_a_while_is_asked_again(desk: Desk) -> None:
    with proxy_to(desk.cluster.client) as proxy:
        through = kubeconfig(desk.folder, proxy.url)
        waiting = desk.start("submit", desk.words(), "--wait", "-n", desk.namespace, kubeconfig=through)
        until(desk.job, "the job")
        proxy.policy = lambda method, path: Fault.BROKEN
        waiting.until_said("asking again")
        proxy.policy = lambda method, path: None
        desk.set_status(state="CANCELLED")
        done = waiting.wait()
    assert (done.code, "was cancelled" in done.stderr) == (5, True)


def test_who_may_not_watch_waits_all_the_same(desk: Desk) -> None:
    rules = [{"apiGroups": ["turbobytes.com"], "resources": ["*"], "verbs": ["get", "create"]}]
    user = kubeconfig_of_user(desk, rules)
    waiting = desk.start("submit", desk.words(), "--wait", "-n", desk.namespace, kubeconfig=user)
    until(desk.job, "the job")
    desk.set_status(state="CANCELLED")
    assert waiting.wait().code == 5
