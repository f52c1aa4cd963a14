"""Tests of the parts of a job's template that its cleanup takes over."""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.operator.cleanup_template import cleanup_template

WORKER: dict[str, Any] = {
    "name": "worker",
    "image": "mirror/words:1",
    "env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    "resources": {"limits": {"nvidia.com/gpu": 8, "memory": "64Gi"}},
    "command": ["sh"],
    "lifecycle": {"postStart": {"exec": {"command": ["sleep", "600"]}}},
    "readinessProbe": {"exec": {"command": ["true"]}},
    "volumeMounts": [
        {"name": "ca", "mountPath": "/etc/ca"},
        {"name": "data", "mountPath": "/data"},
        {"name": "fast", "mountPath": "/fast"},
    ],
}
TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"team": "search"}, "annotations": {"sidecar.istio.io/inject": "false"}},
    "spec": {
        "containers": [{"name": "proxy", "image": "proxy"}, WORKER],
        "initContainers": [{"name": "fetch", "image": "fetch"}],
        "resourceClaims": [{"name": "gpu", "resourceClaimName": "gpus"}],
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "nodeSelector": {"kubernetes.io/arch": "arm64"},
        "imagePullSecrets": [{"name": "mirror"}],
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
        "volumes": [
            {"name": "ca", "secret": {"secretName": "ca"}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "big"}},
            {"name": "fast", "ephemeral": {"volumeClaimTemplate": {}}},
            {"name": "of-the-proxy", "secret": {"secretName": "proxy"}},
        ],
    },
}


def test_it_reaches_the_store_from_where_workers_may_run_and_asks_for_nothing_else() -> None:
    assert cleanup_template(TEMPLATE, ca_bundle="/etc/ca/ca.pem") == {
        "metadata": TEMPLATE["metadata"],
        "spec": {
            "containers": [
                {
                    "name": "worker",
                    "image": "mirror/words:1",
                    "env": WORKER["env"],
                    "volumeMounts": [{"name": "ca", "mountPath": "/etc/ca"}],
                }
            ],
            "tolerations": TEMPLATE["spec"]["tolerations"],
            "nodeSelector": TEMPLATE["spec"]["nodeSelector"],
            "imagePullSecrets": TEMPLATE["spec"]["imagePullSecrets"],
            "volumes": [{"name": "ca", "secret": {"secretName": "ca"}}],
        },
    }


def test_a_claim_with_the_certificates_of_the_store_comes_too() -> None:
    found = cleanup_template(TEMPLATE, ca_bundle="/data/certs/ca.pem")["spec"]
    assert {one["name"] for one in found["volumes"]} == {"ca", "data"}
    assert {one["name"] for one in found["containers"][0]["volumeMounts"]} == {"ca", "data"}


@pytest.mark.parametrize(
    "template",
    [
        {},
        {"spec": None, "metadata": "none"},
        {"spec": {"containers": ["worker", None], "volumes": [3]}},
        {"spec": {"containers": [{"name": "worker", "volumeMounts": [{}]}], "volumes": {"ca": {}}}},
    ],
)
def test_a_template_that_is_none_does_not_hold_a_deleted_job(template: dict[str, Any]) -> None:
    """A user may set any template on a deployed job before its deletion."""
    assert cleanup_template(template, ca_bundle=None)["spec"]["containers"][0]["name"] == "worker"
