"""A share of the API server for the workers of all jobs: they wait for each other, and nobody else for them. Pure."""

from __future__ import annotations

from typing import Any

from kubemr_shell.job.kinds import GROUP

FLOW_CONTROL = "flowcontrol.apiserver.k8s.io/v1"
SHARES = 30
PRECEDENCE = 8000
"""Before the API server's own rule for service accounts, which is at 9000."""


def flow_control(name: str, labels: dict[str, str], namespace: str | None) -> list[dict[str, Any]]:
    """Requests for jobs and shards by accounts of one namespace, or of all, in a queue for each account."""
    subject: dict[str, Any] = {"kind": "Group", "group": {"name": "system:serviceaccounts"}}
    if namespace is not None:
        subject = {"kind": "ServiceAccount", "serviceAccount": {"namespace": namespace, "name": "*"}}
    metadata = {"name": name, "labels": labels}
    level = {
        "apiVersion": FLOW_CONTROL,
        "kind": "PriorityLevelConfiguration",
        "metadata": metadata,
        "spec": {
            "type": "Limited",
            "limited": {
                "nominalConcurrencyShares": SHARES,
                "limitResponse": {"type": "Queue", "queuing": {"queues": 64, "handSize": 6, "queueLengthLimit": 50}},
            },
        },
    }
    rule = {"apiGroups": [GROUP], "resources": ["*"], "verbs": ["*"], "namespaces": [namespace or "*"]}
    schema = {
        "apiVersion": FLOW_CONTROL,
        "kind": "FlowSchema",
        "metadata": metadata,
        "spec": {
            "priorityLevelConfiguration": {"name": name},
            "matchingPrecedence": PRECEDENCE,
            "distinguisherMethod": {"type": "ByUser"},
            "rules": [{"subjects": [subject], "resourceRules": [rule]}],
        },
    }
    return [level, schema]
