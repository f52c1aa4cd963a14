"""Tests that a deleted namespace with running jobs ends, as long as an operator runs."""

from __future__ import annotations

import pytest

from kubemr_shell.errors import DocumentNotFound, NamespaceTerminating
from kubemr_shell.kube.resources import CONFIG_MAPS, NAMESPACES, PODS
from tests.support.installations import Installation
from tests.support.waiting import until


@pytest.mark.cluster
def test_a_namespace_does_not_hang_for_the_jobs_in_it(installation: Installation) -> None:
    client, namespace = installation.cluster.client, installation.namespace
    said = installation.start_operator("--output-root", "s3://nowhere")
    installation.deploy("busy", replicas=2)
    installation.deploy("other")
    until(lambda: len(client.list(PODS, namespace)["items"]) == 3, "their pods are there")
    client.delete(NAMESPACES, None, namespace)
    with pytest.raises(NamespaceTerminating):
        client.create(CONFIG_MAPS, namespace, {"metadata": {"name": "late"}})

    def is_gone() -> bool:
        try:
            client.get(NAMESPACES, None, namespace)
        except DocumentNotFound:
            return True
        return False

    until(is_gone, "the namespace is gone", seconds=90)
    assert "makes no sense" not in said.read_text()
