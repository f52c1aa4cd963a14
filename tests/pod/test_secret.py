"""Tests of missing credentials of a cluster job: the message names the Secret and the command that corrects it."""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.kube.resources import JOBS, SECRETS
from kubemr_shell.net.s3_config import CredentialsAdvice
from kubemr_shell.pod.secret import credentials_advice
from tests.support.desk import opened
from tests.support.pods import Site

KEYS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


def command_for(site: Site) -> str:
    """Return the command that the message suggests, without the values."""
    values = "--from-literal=AWS_ACCESS_KEY_ID=… --from-literal=AWS_SECRET_ACCESS_KEY=…"
    made = f"kubectl create secret generic s3 -n {site.namespace} {values} --dry-run=client -o yaml"
    return f"{made} | kubectl apply -f -"


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("wrong", "why", "what"),
    [
        ({"access-key": "x"}, "there are no credentials (", "the keys"),
        ({"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}, "the access key is not known (", "the correct"),
    ],
    ids=["other names", "other values"],
)
def test_a_secret_that_is_wrong_is_named_with_its_keys_and_mended_by_the_command_that_is_said(
    site: Site, tmp_path: Any, wrong: dict[str, str], why: str, what: str
) -> None:
    client, namespace = site.cluster.client, site.namespace
    client.delete(SECRETS, namespace, "s3")
    client.create(SECRETS, namespace, {"metadata": {"name": "s3"}, "stringData": wrong})
    site.bucket.put("in/text", b"b\na\n")
    site.submit("words", inputs=[f"{site.bucket.uri}/in/"], mapCommand="cat", partitions=1)
    condition = site.until(lambda: failed(site))
    command = command_for(site)
    text = f"): the Secret s3 in the namespace {namespace} must have {what} {KEYS}: {command}"
    assert why in condition["message"]
    assert text in condition["message"]
    with opened(site.cluster, namespace, site.bucket, tmp_path) as desk:
        shown = desk.run("status", "words")
        assert text in shown.stdout.decode()
        assert f"kubemr-shell retry words -n {namespace}" in shown.stdout.decode()

    for key in (site.bucket.server.access_key, site.bucket.server.secret_key):
        command = command.replace("…", key, 1)
    made, applied = command.removeprefix("kubectl ").split(" | kubectl ")
    site.cluster.kubectl(*applied.split(), stdin=site.cluster.kubectl(*made.split()))
    client.patch(JOBS, namespace, "words", {"spec": {"retry": 1}})
    site.until(lambda: site.status("words")["state"] == "COMPLETE")
    assert site.result("words") == b"a\nb\n"


def failed(site: Site) -> dict[str, Any] | None:
    found = site.status("words").get("conditions") or []
    return next((one for one in found if one["type"] == "Failed" and one["status"] == "True"), None)


def test_a_job_without_a_secret_is_told_to_name_one() -> None:
    advice = credentials_advice("jobs", None)
    assert advice.if_missing.startswith(f"make a Secret with {KEYS} and name it in spec.s3.secretName: kubectl create ")
    assert advice.if_refused == CredentialsAdvice().if_refused
