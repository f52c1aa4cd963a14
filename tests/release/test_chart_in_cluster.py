"""Tests that Helm installs the chart in a real cluster, upgrades it and removes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubemr_shell.errors import UnknownKind
from kubemr_shell.kube.resources import JOBS, NAMESPACES
from kubemr_shell.operator.install import NAME
from kubemr_shell.operator.uninstall import DEFINITIONS, KINDS, LABEL_SELECTOR
from tests.release.helm import CHART, helm
from tests.support.cluster import Cluster
from tests.support.pods import Site, s3_endpoint_in_pods

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

RESTRICTED = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}


def call(cluster: Cluster, namespace: str, *arguments: str) -> str:
    """Run helm in a namespace of the cluster, and return its output."""
    done = helm("--kubeconfig", cluster.kubeconfig, "-n", namespace, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def release(cluster: Cluster, namespace: str, values: dict[str, Any], folder: Path) -> Iterator[str]:
    """Install the chart as the release ``mine``, yield the notes, and remove the release."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    try:
        yield call(cluster, namespace, "install", "mine", str(CHART), "-f", str(file), "--wait", "--timeout", "100s")
    finally:
        call(cluster, namespace, "uninstall", "mine", "--ignore-not-found")


def objects(cluster: Cluster, namespace: str) -> set[str]:
    """Return the kind and name of each object of the release."""
    found = set()
    for kind in KINDS:
        with suppress(UnknownKind):  # the cluster of the tests may have no ServiceMonitors
            for one in cluster.client.list(kind, None, labels=f"{LABEL_SELECTOR},helm.sh/chart")["items"]:
                if one["metadata"]["annotations"].get("meta.helm.sh/release-namespace") == namespace:
                    found.add(f"{kind.kind} {one['metadata']['name']}")
    return found


def test_a_release_runs_a_job_and_an_upgrade_keeps_its_values(quiet_site: Site, tmp_path: Path) -> None:
    site, cluster = quiet_site, quiet_site.cluster
    site.bucket.put("in/words", b"b\na\nb\n")
    values = {
        "namespace": site.namespace,
        "image": site.image,
        "outputRoot": f"{site.bucket.uri}/{{name}}",
        "s3": {"endpoint": s3_endpoint_in_pods(site.bucket), "region": site.bucket.server.region, "secret": "s3"},
        "networkPolicy": {"enabled": True},
        "flowControl": True,
        "jobPolicy": True,
    }
    with cluster.namespace() as place:
        cluster.client.patch(NAMESPACES, None, place, RESTRICTED)
        with release(cluster, place, values, tmp_path) as notes:
            assert f"kubectl -n {place} rollout status deployment/{NAME}" in notes
            assert f"kubectl -n {site.namespace} create secret generic s3" in notes
            site.submit("words", inputs=[f"{site.bucket.uri}/in/words"], mapCommand="cat", reduceCommand="uniq -c")
            site.until_state("words", "COMPLETE")
            assert {b" ".join(line.split()) for line in site.result("words").splitlines()} == {b"1 a", b"2 b"}

            upgrade(cluster, place)
            deployment = json.loads(cluster.kubectl("-n", place, "get", "deployment", NAME, "-o", "json"))
            assert deployment["status"]["readyReplicas"] == 1
            assert f"--image={site.image}" in deployment["spec"]["template"]["spec"]["containers"][0]["args"]
            assert site.status("words")["state"] == "COMPLETE"

            cluster.client.delete(JOBS, site.namespace, "words")
            site.until(lambda: not cluster.client.list(JOBS, site.namespace)["items"])
            assert len(objects(cluster, place)) > len(KINDS) / 2
        assert objects(cluster, place) == set()
        names = cluster.kubectl("get", "crds", "-o", "name")
        assert [name for name in DEFINITIONS if name not in names] == []


def upgrade(cluster: Cluster, namespace: str) -> None:
    """Upgrade the definitions and the release, as docs/operations.md describes."""
    definitions = call(cluster, namespace, "show", "crds", str(CHART))
    applied = cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=definitions)
    assert applied.count("serverside-applied") == len(DEFINITIONS)
    options = ("--reset-then-reuse-values", "--set", "replicas=1", "--wait", "--timeout", "100s")
    call(cluster, namespace, "upgrade", "mine", str(CHART), *options)
