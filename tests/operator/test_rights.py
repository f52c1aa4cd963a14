"""Tests that the operator can run jobs with only the permissions of an installation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubemr_shell.board.stores.json_patch import add
from kubemr_shell.kube.resources import BATCH_JOBS, EVENTS, JOBS, ROLES, SERVICE_ACCOUNTS
from kubemr_shell.operator.install import NAME
from kubemr_shell.operator.rights import job_rules, operator_rules
from tests.support.installations import Installation, has_cleanup
from tests.support.s3_server import Bucket
from tests.support.waiting import PATIENCE_SECONDS, until

Right = tuple[str, str, str]


def rights(rules: list[dict[str, Any]]) -> set[Right]:
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_the_operator_has_what_it_gives_to_workers() -> None:
    assert rights(job_rules("job")) <= rights(operator_rules())


def test_nobody_may_do_everything_and_the_operator_may_not_touch_secrets_or_make_pods() -> None:
    given = rights(operator_rules())
    assert not [one for one in given if "*" in one]
    assert {verb for _, resource, verb in given if resource == "secrets"} == set()
    assert {verb for _, resource, verb in given if resource == "pods"} == {"list", "watch", "patch"}
    assert not {"escalate", "bind", "impersonate"} & {verb for *_, verb in given}


def test_the_operator_may_remove_shards_together_but_is_not_trusted_to_write_them() -> None:
    """The admission policy treats an account that may delete a single shard as an administrator, who may write all."""
    given = rights(operator_rules())
    assert {resource for _, resource, verb in given if verb == "deletecollection"} == {"taskshards"}
    assert not [one for one in given if one[1:] == ("taskshards", "delete")]


def test_workers_may_read_and_report_on_their_own_job_alone() -> None:
    for rule in job_rules("mine"):
        assert rule["resources"] == ["taskshards"] or rule["resourceNames"] == ["mine"]


def reasons(installation: Installation, job: str) -> set[str]:
    events = installation.cluster.client.list(EVENTS, installation.namespace)["items"]
    return {one["reason"] for one in events if one["involvedObject"]["name"] == job}


@pytest.mark.cluster
def test_two_operators_with_these_rights_see_jobs_through(installation: Installation, bucket: Bucket) -> None:
    """The first job is suspended, runs, and is removed after its time. The second is cancelled, the third refused."""
    bucket.put("in/words", b"b\na\nb\n")
    said = [installation.start_operator("--output-root", f"{bucket.uri}/{{name}}") for _ in range(2)]
    endpoint = {"endpoint": bucket.server.endpoint}

    installation.submit("wrong", inputs=[f"{bucket.uri}/in/words"], output="/a/folder")
    until(lambda: installation.state("wrong") == "FAIL", "the wrong job is refused")
    until(lambda: reasons(installation, "wrong") == {"InvalidSpec"}, "its event")

    installation.deploy("other", inputs=[f"{bucket.uri}/in/"], s3=endpoint)
    installation.cluster.client.patch(JOBS, installation.namespace, "other", {"spec": {"cancel": True}})
    until(lambda: installation.state("other") == "CANCELLED", "the other job is cancelled")

    installation.deploy(
        "words",
        inputs=[f"{bucket.uri}/in/words"],
        mapCommand="cat",
        reduceCommand="uniq -c",
        partitions=1,
        s3=endpoint,
        suspend=True,
        ttlSecondsAfterFinished=1,
    )
    client = installation.cluster.client
    client.patch(JOBS, installation.namespace, "words", {"spec": {"suspend": False}})
    until(
        lambda: not client.get(BATCH_JOBS, installation.namespace, "words")["spec"].get("suspend"),
        "its workers are let go",
    )
    worker = installation.start_worker("words", f"{bucket.uri}/words", bucket.server.environment)
    assert worker.wait(timeout=PATIENCE_SECONDS) == 0
    assert sorted(bucket.keys("words/")) == ["words/_SUCCESS", "words/part-00000"]
    assert [line.split() for line in bucket.get("words/part-00000").splitlines()] == [[b"1", b"a"], [b"2", b"b"]]
    until(lambda: not installation.has(JOBS, "words"), "the job is removed after its time")
    until(lambda: not installation.has(SERVICE_ACCOUNTS, "kubemr-words"), "its account went with it")
    until(lambda: not installation.has(ROLES, "kubemr-words"), "its rights went with it")
    assert "Complete" in reasons(installation, "words")

    planned = [add("/status/turn", 9)]  # as if a planner had been at work: there may be temporaries
    installation.worker_client("other").patch(JOBS, installation.namespace, "other", planned, status=True)
    client.delete(JOBS, installation.namespace, "other")
    until(lambda: has_cleanup(installation, "other"), "its temporaries are cared for")
    assert reasons(installation, "wrong") == {"InvalidSpec"}, "a refusal is told once"
    assert [file.read_text() for file in said] == ["", ""]


@pytest.mark.cluster
def test_the_operator_may_nothing_else(installation: Installation) -> None:
    """The API server is asked, for the namespace of the jobs and for other namespaces."""
    account = f"system:serviceaccount:{installation.operator_namespace}:{NAME}"
    inside, outside = installation.namespace, installation.operator_namespace
    forbidden = [
        *((inside, verb, "secrets") for verb in ("get", "list", "create")),
        *((inside, verb, "pods") for verb in ("create", "delete")),
        *((inside, verb, "roles") for verb in ("escalate", "bind", "patch", "delete")),
        (inside, "delete", "taskshards"),
        (inside, "create", "mapreducejobs"),
        (inside, "impersonate", "serviceaccounts"),
        *((outside, verb, "jobs.batch") for verb in ("create", "list")),
        *((outside, verb, "mapreducejobs") for verb in ("list", "patch", "delete")),
    ]
    allowed = [
        (inside, "create", "jobs.batch"),
        (inside, "patch", "pods"),
        (inside, "patch", "mapreducejobs"),
        (inside, "create", "rolebindings"),
    ]
    may = {right: _may(installation, account, *right) for right in [*forbidden, *allowed]}
    assert {right for right, yes in may.items() if yes} == set(allowed)


def _may(installation: Installation, account: str, namespace: str, verb: str, resource: str) -> bool:
    name, _, group = resource.partition(".")
    group = group or {"mapreducejobs": "turbobytes.com", "taskshards": "turbobytes.com"}.get(
        name, "rbac.authorization.k8s.io" if name.startswith("role") else ""
    )
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": account,
            "resourceAttributes": {"namespace": namespace, "verb": verb, "group": group, "resource": name},
        },
    }
    answer = json.loads(installation.cluster.kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(review)))
    return bool(answer["status"]["allowed"])
