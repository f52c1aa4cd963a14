"""A share of the API server for the workers of all jobs. Pure.

Workers wait for each other in queues of their own, and no other client of the API server has to wait for them.
"""

from __future__ import annotations

from typing import Any

from kubemr_shell.job.kinds import GROUP

FLOW_CONTROL = "flowcontrol.apiserver.k8s.io/v1"
"""The API version of priority levels and flow schemas."""
SHARES = 30
"""The ``nominalConcurrencyShares`` of the priority level."""
PRECEDENCE = 8000
"""The precedence of the flow schema: before the API server's own rule for service accounts, which has 9000."""


def flow_control(name: str, labels: dict[str, str], namespace: str | None) -> list[dict[str, Any]]:
    """Return a priority level and a flow schema for requests about jobs and shards.

    They apply to the service accounts of one namespace or, with None, of all. Each account is a flow of its own,
    so that a busy account hardly holds up the others.
    """
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
