"""Tests of retry, cancel, delete and list, against a real API server and operator."""

from __future__ import annotations

import json
from gzip import decompress as gunzip

import pytest

from kubemr_shell.kube.resources import JOBS
from kubemr_shell.kube.status import Condition, condition
from tests.client.kubeconfigs import kubeconfig_of_user
from tests.support.desk import Desk
from tests.support.waiting import until

pytestmark = pytest.mark.cluster


@pytest.fixture
def failed(desk: Desk) -> Desk:
    """A job whose reduce has failed, because its command needs a file that does not exist yet."""
    desk.operator()
    gate = desk.folder / "gate"
    desk.run("submit", desk.words(reduceCommand=f"cat {gate} && uniq -c | sed 's/^ *//'", maxAttempts=1))
    desk.worker()
    desk.until_state("words", "FAIL")
    return desk


def test_a_retried_job_does_what_is_missing(failed: Desk) -> None:
    (failed.folder / "gate").touch()
    retried = failed.start("retry", "words", "--wait", "-n", failed.namespace)
    until(lambda: b"retried" in retried.stdout.read_bytes(), "the answer")
    failed.worker(name="y")
    done = retried.wait()
    assert (done.code, done.stdout) == (0, b"mapreducejob/words retried\n"), done.stderr
    failed.until_condition("Complete")
    assert failed.run("results", "words").stdout == b"1 a\n2 b\n1 c\n"
    assert "retried     1 time" in failed.run("status", "words").stdout.decode()
    again = failed.run("retry", "words")
    assert (again.code, "the job is COMPLETE with this reduceCommand" in again.stderr) == (2, True)
    other = failed.run("retry", "words", "-r", "wc -l")
    assert other.code == 2
    assert "job words cannot be tried again: the job is COMPLETE, and its map outputs" in other.stderr
    assert "submit a new job, with keepTmp: true" in other.stderr


def test_a_complete_job_that_kept_its_maps_reduces_them_anew_and_its_result_stays_meanwhile(desk: Desk) -> None:
    desk.operator()
    desk.run("submit", desk.words(keepTmp=True, mapCommand="echo mapped >&2; tr ' ' '\\n'", compressOutput="gzip"))
    desk.worker()
    desk.until_state("words", "COMPLETE")
    first = desk.bucket.keys("out/")
    assert desk.run("retry", "words", "-r", "echo no >&2; exit 1").code == 0
    failing = desk.worker(name="y")
    desk.until_state("words", "FAIL")
    assert b"mapped" not in failing.wait().stdout, "only the reduces run again"
    assert gunzip(desk.bucket.get("out/part-00000.gz")) == b"1 a\n2 b\n1 c\n", "what stood there stands there still"
    assert set(first) <= set(desk.bucket.keys("out/"))

    done = desk.run("retry", "words", "-r", "wc -l", "--compress-output", "none")
    assert done.code == 0, done.stderr
    desk.worker(name="z")
    desk.until_state("words", "COMPLETE")
    assert desk.run("results", "words").stdout.strip() == b"4"
    visible = [key.removeprefix("out/") for key in desk.bucket.keys("out/") if "_kubemr" not in key]
    assert sorted(visible) == ["_SUCCESS", "part-00000"], "the part of the old result is gone"
    spec = desk.job()["spec"]
    assert (spec["reduceCommand"], spec["compressOutput"], spec["retry"]) == ("wc -l", "none", 2)


def test_a_spec_that_is_edited_and_retried_past_the_client_is_answered_in_the_conditions(desk: Desk) -> None:
    """``kubectl edit`` and ``kubectl apply`` change a job in this way."""
    desk.operator()
    desk.run("submit", desk.words())
    desk.worker()
    desk.until_state("words", "COMPLETE")
    desk.change(reduceCommand="wc -l", retry=1)
    refused = until(lambda: condition(desk.job(), Condition.RETRY_REFUSED), "the answer")
    assert (refused["status"], refused["reason"]) == ("True", "MapsGone")
    assert refused["message"].startswith("retry 1: the job is COMPLETE, and its map outputs")
    assert "not retried MapsGone: retry 1: the job is COMPLETE" in desk.run("status", "words").stdout.decode()
    assert desk.run("results", "words").stdout == b"1 a\n2 b\n1 c\n"
    assert desk.job()["status"]["state"] == "COMPLETE"


def test_a_retry_may_bring_another_reduce_command_but_no_other_map_command(failed: Desk) -> None:
    before = failed.job()["status"]["retry"]
    other = failed.run("retry", "words", "-f", failed.write("other.yaml", {"inputs": ["s3://nowhere/in"]}, job="other"))
    assert (other.code, "other.yaml is the job other, not words" in other.stderr) == (2, True)
    refused = failed.run("retry", "words", "-f", failed.words(mapCommand="cat"))
    assert refused.code == 2
    assert "job words cannot be tried again: a retry cannot change mapCommand" in refused.stderr
    assert "delete the job and submit it again" in refused.stderr
    assert failed.job()["status"]["retry"] == before
    assert failed.job()["spec"]["mapCommand"] != "cat", "what is refused changes nothing"
    done = failed.run("retry", "words", "-f", failed.words(reduceCommand="wc -l"))
    assert (done.code, done.stderr.split()[:2]) == (0, ["kubemr-shell", "status"])
    failed.worker(name="y")
    failed.until_state("words", "COMPLETE")
    assert failed.run("results", "words").stdout.strip() == b"4"


def test_a_retry_may_bring_mended_scripts(desk: Desk) -> None:
    script = desk.folder / "map.sh"
    script.write_text("old")
    desk.operator()
    desk.run("submit", desk.words(mapCommand="./map.sh"))
    desk.until_state("words", "DEPLOYED")
    desk.run("cancel", "words")
    script.write_text("new")
    done = desk.run("retry", "words", "-f", "job.yaml")
    assert done.code == 0, done.stderr
    assert desk.object("configmap", "words-files")["binaryData"] == {"map.sh": "bmV3"}
    assert "cancel" not in desk.job()["spec"]


def test_a_spec_that_was_refused_is_mended_by_a_retry(desk: Desk) -> None:
    desk.operator()
    desk.run("submit", desk.words(output=None))
    desk.until_state("words", "FAIL")
    again = desk.run("retry", "words")
    assert again.code == 2
    assert "spec.output is missing" in again.stderr
    assert "kubemr-shell retry words -f JOB.yaml" in again.stderr
    assert desk.run("retry", "words", "-f", desk.words()).code == 0
    desk.until_state("words", "DEPLOYED")


def test_a_cancelled_job_ends_the_waiting_and_can_go_on(desk: Desk) -> None:
    desk.operator()
    waiting = desk.start("submit", desk.words(), "--wait", "-n", desk.namespace)
    desk.until_state("words", "DEPLOYED")
    for _ in range(2):
        assert desk.run("cancel", "words").stdout == b"mapreducejob/words cancelled\n"
    done = waiting.wait()
    assert done.code == 5
    assert f"kubemr-shell retry words -n {desk.namespace} continues it" in done.stderr
    desk.until_condition("Failed")
    assert desk.run("retry", "words").code == 0
    desk.until_state("words", "DEPLOYED")
    again = desk.run("retry", "words")
    assert (again.code, "is DEPLOYED: only a job that has ended can be tried again" in again.stderr) == (2, True)


def test_of_a_job_that_is_being_deleted_nothing_is_asked_any_more(desk: Desk) -> None:
    """No operator runs here. The client neither waits for its answer nor tells the user to delete the job again."""
    desk.run("submit", desk.words())
    desk.cluster.client.patch(JOBS, desk.namespace, "words", {"metadata": {"finalizers": ["test.example/held"]}})
    assert desk.run("delete", "words").code == 0
    asked = {command: desk.run(command, "words") for command in ("retry", "cancel")}
    assert [done.code for done in asked.values()] == [2, 2]
    assert "being deleted: when it is gone (kubemr-shell delete words --wait), submit it again" in asked["retry"].stderr
    assert "job words is being deleted" in asked["cancel"].stderr
    again = desk.run("submit", "job.yaml")
    assert again.code == 2
    assert (
        f"is being deleted: wait until it is gone (kubemr-shell delete words --wait -n {desk.namespace})"
        in again.stderr
    )


def test_what_nobody_answers_is_said_so(desk: Desk) -> None:
    desk.run("submit", desk.words())
    done = desk.run("cancel", "words")
    assert done.code == 6
    assert "the request is recorded, but no operator has answered" in done.stderr
    assert desk.job()["spec"]["cancel"] is True


@pytest.mark.parametrize("command", ["status", "logs", "results", "retry", "cancel", "delete"])
def test_a_job_that_is_not_there_is_named(desk: Desk, command: str) -> None:
    done = desk.run(command, "nobody")
    assert done.code == 3
    assert f"nobody: there is no such job in the namespace {desk.namespace}" in done.stderr


def test_a_job_of_another_namespace_and_a_namespace_that_is_not_there_are_told_apart(desk: Desk) -> None:
    name = f"of-{desk.namespace}"  # nobody else has one
    desk.run("submit", desk.write("job.yaml", {"inputs": ["s3://nowhere/in"], "mapCommand": "cat"}, job=name))
    elsewhere = desk.start("status", name, "-n", "default").wait()
    assert (elsewhere.code, f"-n {desk.namespace}" in elsewhere.stderr) == (3, True)
    for arguments in (("status", "words"), ("list",), ("delete", "words")):
        nowhere = desk.start(*arguments, "-n", "no-such-namespace").wait()
        assert nowhere.code == 3
        assert "there is no namespace no-such-namespace: name another one with -n" in nowhere.stderr
    rules = [{"apiGroups": ["turbobytes.com"], "resources": ["*"], "verbs": ["get", "list"]}]
    few_rights = desk.run("status", "other", kubeconfig=kubeconfig_of_user(desk, rules))
    assert (few_rights.code, "kubemr-shell list -A shows all" in few_rights.stderr) == (3, True)


def test_a_task_that_the_job_does_not_have_is_refused(failed: Desk) -> None:
    done = failed.run("logs", "words", "map/7")
    assert (done.code, "job words has no task map/7: its map tasks are map/0 to map/0" in done.stderr) == (2, True)


def test_the_list_has_jobs_of_one_namespace_or_of_all(desk: Desk) -> None:
    assert "there are no jobs in the namespace" in desk.run("list").stderr
    desk.run("submit", desk.words())
    mine = desk.run("list").stdout.decode().splitlines()
    assert mine[0].split() == ["NAME", "STATE", "MAPS", "REDUCES", "RETRIES", "AGE"]
    assert mine[1].split()[:5] == ["words", "NEW", "-", "-", "0"]
    everywhere = desk.run("list", "-A").stdout.decode().splitlines()
    assert any(line.split()[:3] == [desk.namespace, "words", "NEW"] for line in everywhere)
    [job] = json.loads(desk.run("list", "--output", "json").stdout)
    assert (job["namespace"], job["name"], job["state"], job["maps"]) == (desk.namespace, "words", "NEW", None)
    assert json.loads(desk.run("status", "words", "--output", "json").stdout)["state"] == "NEW"


def test_a_status_that_is_nonsense_is_no_bug_of_ours(desk: Desk) -> None:
    desk.run("submit", desk.words())
    desk.set_status(state="MAP", progress={"map": "\x1b[2J\n"}, lanes={"nonsense": {}})
    assert "\\x1b[2J\\x0a" in desk.run("list").stdout.decode()
    for command in ("status", "results", "cancel"):
        done = desk.run(command, "words")
        assert (done.code, "its status is not as workers and operator write it" in done.stderr) == (1, True)
    assert desk.run("delete", "words").code == 0
