"""Tests that the answers of a real API server become our errors."""

from __future__ import annotations

import pytest

from kubemr_shell.errors import UnknownField, UnknownKind
from kubemr_shell.kube.resources import JOBS, Resource
from tests.support.cluster import Cluster

pytestmark = pytest.mark.cluster

JOB = {"metadata": {"name": "words"}, "spec": {"inputs": ["s3://b/in"], "mapCommand": "cat", "ofTomorrow": 1}}


def test_a_kind_of_object_that_is_not_installed_is_told_from_an_object_that_is_not_there(
    cluster: Cluster, namespace: str
) -> None:
    unknown = Resource(api_version=JOBS.api_version, kind="NoSuchThing", plural="nosuchthings")
    with pytest.raises(UnknownKind, match=r"^list of nosuchthings: .* kubemr-shell install"):
        cluster.client.list(unknown, namespace)
    with pytest.raises(UnknownKind):
        cluster.client.get(unknown, namespace, "words")


def test_a_field_that_the_server_would_drop_is_refused_where_that_is_asked(cluster: Cluster, namespace: str) -> None:
    """A cluster drops such a field if its definitions are older than the client."""
    with pytest.raises(UnknownField, match=r'^unknown field "spec\.ofTomorrow"$'):
        cluster.client.create(JOBS, namespace, JOB, strict=True)
    assert "ofTomorrow" not in cluster.client.create(JOBS, namespace, JOB)["spec"]
    change = [{"op": "add", "path": "/spec/ofTomorrow", "value": 1}]
    with pytest.raises(UnknownField):
        cluster.client.patch(JOBS, namespace, "words", change, strict=True)
