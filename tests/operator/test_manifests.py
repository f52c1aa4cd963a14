"""Tests of the manifests of the objects that a job's workers need."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubemr_shell.board.job_state import JobView, PlanFacts, format_status
from kubemr_shell.board.stores.documents import JOB_LABEL
from kubemr_shell.job.state import JobState
from kubemr_shell.kube.marks import CLEANUP, ROLE_LABEL, UID_LABEL, WORKER
from kubemr_shell.kube.resources import BATCH_JOBS
from kubemr_shell.operator.options import OperatorOptions
from kubemr_shell.operator.reconcile import reconcile
from tests.operator.observed import OPTIONS, SPEC, STAMP, job, made, seen


def arguments(actions: Any) -> list[str]:
    """Return the arguments of our container in the batch Job of the workers."""
    (batch,) = made(actions, BATCH_JOBS)
    found: list[str] = batch["spec"]["template"]["spec"]["containers"][0]["args"]
    return found


@pytest.mark.parametrize("deleted", [False, True])
@pytest.mark.parametrize("says", ["the spec", "the operator"])
def test_the_output_stays_what_it_was_when_the_job_was_deployed(says: str, deleted: bool) -> None:
    """Otherwise, new workers would not find the work of others, and a cleanup would not find the temporaries."""
    status = {"state": "DEPLOYING", "startTime": STAMP, "turn": 4, "output": "s3://results/words"}
    document = job(status, deleted=deleted, output="s3://results/other")
    if says == "the operator":
        del document["spec"]["output"]
    options = replace(OPTIONS, output_root="s3://results/other")
    found = arguments(reconcile(seen(document), options).actions)
    assert found[found.index("--output") + 1] == "s3://results/words"


def labels_of_pods(template: dict[str, Any], *, deleted: bool) -> dict[str, str]:
    status = {"state": "FAIL" if deleted else "DEPLOYING", "startTime": STAMP, "turn": 4}
    actions = reconcile(seen(job(status, deleted=deleted, template=template)), OPTIONS).actions
    (batch,) = made(actions, BATCH_JOBS)
    labels: dict[str, str] = batch["spec"]["template"]["metadata"]["labels"]
    return labels


@pytest.mark.parametrize("role", [WORKER, CLEANUP])
@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"labels": None},
        {"labels": {JOB_LABEL: "another", UID_LABEL: "another", ROLE_LABEL: "another"}},
    ],
)
def test_no_template_hides_a_pod_from_the_operator(metadata: Any, role: str) -> None:
    """Otherwise, the operator does not see the end of a worker, and removes temporaries while it works."""
    labels = labels_of_pods({"metadata": metadata}, deleted=role == CLEANUP)
    assert labels == {JOB_LABEL: "words", UID_LABEL: "new", ROLE_LABEL: role}


def test_a_template_may_add_labels() -> None:
    labels = labels_of_pods({"metadata": {"labels": {"team": "search"}}}, deleted=False)
    assert labels["team"] == "search"
    assert labels[ROLE_LABEL] == WORKER


@pytest.mark.parametrize("deleted", [False, True])
def test_a_dollar_of_a_user_is_no_variable(deleted: bool) -> None:
    """Without the escape, the parts of the output s3://results/$(HOME) go to s3://results//tmp."""
    text = "$(HOME)"
    status = {"state": "FAIL" if deleted else "DEPLOYING", "startTime": STAMP, "turn": 4}
    s3 = {"endpoint": f"https://{text}", "region": text, "caBundle": f"/{text}"}
    document = job(status, deleted=deleted, output=f"s3://results/{text}", s3=s3)
    (batch,) = made(reconcile(seen(document), OPTIONS).actions, BATCH_JOBS)
    container = batch["spec"]["template"]["spec"]["containers"][0]
    given = [*container["args"], *(one["value"] for one in container["env"] if "value" in one)]
    assert [one for one in given if text in one]
    assert not [one for one in given if text in one.replace("$$", "")]


def test_the_keys_of_the_store_are_in_files_that_change_with_the_secret() -> None:
    """The variables of a container do not change after its start."""

    def pod_of(options: OperatorOptions) -> dict[str, Any]:
        status = {"state": "DEPLOYING", "startTime": STAMP, "turn": 4}
        (batch,) = made(reconcile(seen(job(status)), options).actions, BATCH_JOBS)
        pod: dict[str, Any] = batch["spec"]["template"]["spec"]
        return pod

    pod = pod_of(replace(OPTIONS, s3_secret="keys"))
    secret = {"secretName": "keys", "optional": True, "defaultMode": 0o440}
    assert {"name": "s3-keys", "secret": secret} in pod["volumes"]
    (container,) = pod["containers"]
    mount = next(mount for mount in container["volumeMounts"] if mount["name"] == "s3-keys")
    assert mount["readOnly"]
    assert {"name": "KUBEMR_S3_KEYS", "value": mount["mountPath"]} in container["env"]
    bare = pod_of(replace(OPTIONS, s3_secret=None))
    assert "s3-keys" not in str(bare)
    assert "KUBEMR_S3_KEYS" not in str(bare)


def test_pods_that_are_made_anew_in_the_middle_of_a_job_have_the_image_and_the_store_of_its_plan() -> None:
    """A user has changed both in the spec, and deleted the batch Job."""
    planned = {**SPEC, "image": "words:1", "s3": {"endpoint": "http://one"}, "partitions": 1}
    facts = PlanFacts(claim_id="c", tasks=1, partitions=1, spec=planned, fingerprint="f", input_bytes=1)
    status = format_status(JobView(state=JobState.MAP, spec=planned, plan=facts.with_layouts(1)))
    changed = job(status, image="words:2", s3={"endpoint": "http://two"}, slots=3)
    (workers,) = made(reconcile(seen(changed), OPTIONS).actions, BATCH_JOBS)
    [container] = workers["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "words:1"
    assert {"name": "AWS_ENDPOINT_URL_S3", "value": "http://one"} in container["env"]
