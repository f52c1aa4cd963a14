"""Tests of a normal installation: operators in pods, in a namespace that permits only restricted pods."""

from __future__ import annotations

import pytest

from kubemr_shell.kube.resources import JOBS, NAMESPACES
from kubemr_shell.operator.install import NAME, PORT
from tests.support.installations import applied, install
from tests.support.pods import Site, s3_endpoint_in_pods

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

RESTRICTED = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}


def test_operators_in_pods_see_a_job_through(quiet_site: Site) -> None:
    """The test starts with the manifests, and ends when parts exist and the deleted job has no temporaries."""
    site, cluster = quiet_site, quiet_site.cluster
    cluster.client.patch(NAMESPACES, None, site.namespace, RESTRICTED)
    site.bucket.put("in/words", b"b\na\nb\n")
    chosen = (
        *("--namespace", site.namespace, "--image", site.image, "--flow-control"),
        *("--output-root", f"{site.bucket.uri}/{{name}}", "--s3-endpoint", s3_endpoint_in_pods(site.bucket)),
        *("--s3-region", site.bucket.server.region, "--s3-secret", "s3"),
    )
    with cluster.namespace() as place, applied(cluster, install(*chosen, "--operator-namespace", place)):
        cluster.client.patch(NAMESPACES, None, place, RESTRICTED)
        cluster.kubectl("-n", place, "rollout", "status", f"deployment/{NAME}", "--timeout=90s")
        work = {"mapCommand": "cat", "reduceCommand": "uniq -c", "partitions": 1, "replicas": 2}
        site.submit("words", inputs=[f"{site.bucket.uri}/in/words"], **work)
        site.submit("stuck", inputs=[f"{site.bucket.uri}/in/words"], **work | {"mapCommand": "sleep 600"})
        site.until_state("words", "COMPLETE")
        assert [line.split() for line in site.result("words").splitlines()] == [[b"1", b"a"], [b"2", b"b"]]
        metrics = cluster.kubectl("get", "--raw", f"/api/v1/namespaces/{place}/services/{NAME}:{PORT}/proxy/metrics")
        assert f'kubemr_jobs{{namespace="{site.namespace}",state="COMPLETE"}} 1.0' in metrics

        site.until_state("stuck", "MAP")
        for job in ("words", "stuck"):
            cluster.client.delete(JOBS, site.namespace, job)
        site.until(lambda: not cluster.client.list(JOBS, site.namespace)["items"])
        assert site.bucket.keys("stuck/") == []
        assert site.bucket.uploads() == []
