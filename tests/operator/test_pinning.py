"""Tests of the digest in the image of workers."""

from __future__ import annotations

import pytest

from kubemr_shell.kube.resources import BATCH_JOBS, PODS
from kubemr_shell.operator.pinning import by_digest
from tests.support.installations import NO_IMAGE, Installation

DIGEST = "sha256:" + "5" * 64


@pytest.mark.parametrize(
    ("image", "image_id", "expected"),
    [
        ("kubemr/base:1", f"docker.io/kubemr/base@{DIGEST}", f"kubemr/base@{DIGEST}"),
        ("base", f"docker.io/library/base@{DIGEST}", f"base@{DIGEST}"),
        ("host:5000/base:1", f"host:5000/base@{DIGEST}", f"host:5000/base@{DIGEST}"),
        ("host:5000/base", f"docker-pullable://host:5000/base@{DIGEST}", f"host:5000/base@{DIGEST}"),
        ("kubemr/base:1", DIGEST, "kubemr/base:1"),
        ("kubemr/base:1", f"docker.io/library/import-1@{DIGEST}", "kubemr/base:1"),
        ("kubemr/base:1", "", "kubemr/base:1"),
    ],
)
def test_an_image_is_pinned_where_its_node_knows_it_in_its_repository(image: str, image_id: str, expected: str) -> None:
    assert by_digest(image, image_id) == expected


@pytest.mark.cluster
@pytest.mark.parametrize("own_image", [NO_IMAGE, "kubemr.test/other:1"])
def test_jobs_get_the_image_of_the_operator_as_it_runs_itself(installation: Installation, own_image: str) -> None:
    """The status of the operator's pod names the image. The test writes that status: no node has pulled the image."""
    client, namespace = installation.cluster.client, installation.namespace
    spec = {"nodeName": "none", "containers": [{"name": "operator", "image": own_image}]}
    client.create(PODS, namespace, {"metadata": {"name": "own"}, "spec": spec})
    state = {"name": "operator", "image": own_image, "imageID": f"kubemr.test/none@{DIGEST}", "ready": True}
    status = {"status": {"containerStatuses": [{**state, "restartCount": 0}]}}
    client.patch(PODS, namespace, "own", status, status=True)
    installation.start_operator("--output-root", "s3://nowhere", "--pod", f"{namespace}/own")
    installation.deploy("words", template={})
    batch = client.get(BATCH_JOBS, namespace, "words")
    expected = f"kubemr.test/none@{DIGEST}" if own_image == NO_IMAGE else NO_IMAGE
    assert batch["spec"]["template"]["spec"]["containers"][0]["image"] == expected
