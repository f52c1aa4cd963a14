"""The files of ``deploy/kustomize``: the manifests of ``kubemr-shell install``, in parts for overlays. Pure."""

from __future__ import annotations

from kubemr_shell.operator.install import (
    NAME,
    OPERATOR_NAMESPACE,
    OWN_NAMESPACE,
    InstallOptions,
    admission,
    definitions,
    flows,
    network_policy,
    operator_arguments,
    people,
    policies,
    program,
    rights,
    service_monitor,
    yaml_text,
)
from kubemr_shell.operator.manifests import Manifest
from kubemr_shell.operator.options import OperatorOptions

WRITTEN = "# Written by `make generate` from kubemr_shell/operator: change it there.\n"
"""The first line of each file."""


def kustomize_files() -> dict[str, str]:
    """Return the content of each file by its path in the repository."""
    root = "deploy/kustomize"
    everywhere, inside = InstallOptions(), InstallOptions(operator=OperatorOptions(namespace=OPERATOR_NAMESPACE))
    return {
        f"{root}/base/definitions.yaml": written(definitions()),
        f"{root}/base/rights.yaml": written([*rights(everywhere), *people(everywhere)]),
        f"{root}/base/admission.yaml": written(admission(everywhere)),
        f"{root}/base/operator.yaml": written(program(everywhere)),
        f"{root}/flow-control/flow-control.yaml": written(flows(everywhere)),
        f"{root}/job-policy/job-policy.yaml": written(policies(everywhere)),
        f"{root}/network-policy/network-policy.yaml": written([network_policy(everywhere)]),
        f"{root}/service-monitor/service-monitor.yaml": written([service_monitor(everywhere)]),
        f"{root}/overlays/namespaced/rights.yaml": written(rights(inside)[1:]),
        f"{root}/overlays/namespaced/operator.yaml": written([_in_own_namespace()]),
    }


def written(documents: list[Manifest]) -> str:
    """Return the documents as a generated file."""
    return WRITTEN + yaml_text(documents)


def _in_own_namespace() -> Manifest:
    """Return a patch of the Deployment: look after the jobs of the operator's own namespace, whatever its name is."""
    container = {
        "name": "operator",
        "args": [*operator_arguments(InstallOptions()), f"--namespace=$({OWN_NAMESPACE})"],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": OPERATOR_NAMESPACE},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
