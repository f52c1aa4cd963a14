"""A policy of the API server: the shards of a job are written by the account of that job alone. Pure.

RBAC cannot say this: the name of a shard is not known before it is made, and no rule can name what begins with a word.
Who may delete shards may also write any of them: administrators, and the garbage collector. Workers and the operator
may not.
"""

from __future__ import annotations

from typing import Any

from kubemr_shell.board.documents import JOB_LABEL
from kubemr_shell.job.kinds import GROUP, JOB_KIND
from kubemr_shell.kube.resources import SHARDS
from kubemr_shell.operator.manifests import account_name

ADMISSION = "admissionregistration.k8s.io/v1"
SHARD_TAIL = "^[mrp][0-9]+-[0-9]{5,}$"
"""What follows the name of the job in the name of a shard; ``job.names.shard_name`` writes it."""

JOB = "has(object.spec) && has(object.spec.job) ? string(object.spec.job) : ''"
OWN = (
    f"request.userInfo.username == 'system:serviceaccount:' + request.namespace + ':{account_name('')}' + variables.job"
)
TRUSTED = (
    f"authorizer.group('{GROUP}').resource('{SHARDS.plural}').namespace(request.namespace).check('delete').allowed()"
)

RULES = (
    (
        "variables.own",
        f"a {SHARDS.kind} is written by the account of its job, {account_name('<spec.job>')}",
    ),
    (
        "oldObject == null"
        " || (has(oldObject.spec) && has(oldObject.spec.job) && string(oldObject.spec.job) == variables.job)",
        f"a {SHARDS.kind} stays with its job",
    ),
    (
        "object.metadata.name.startsWith(variables.job + '-')"
        f" && object.metadata.name.substring(size(variables.job) + 1).matches('{SHARD_TAIL}')",
        f"a {SHARDS.kind} is called after its job, its phase and its number",
    ),
    (
        f"has(object.metadata.labels) && '{JOB_LABEL}' in object.metadata.labels"
        f" && object.metadata.labels['{JOB_LABEL}'] == variables.job",
        f"the label {JOB_LABEL} of a {SHARDS.kind} is its job",
    ),
    (
        "has(object.metadata.ownerReferences) && size(object.metadata.ownerReferences) == 1"
        f" && object.metadata.ownerReferences.all(one, one.kind == '{JOB_KIND}' && one.name == variables.job"
        " && has(object.spec.jobUid) && one.uid == object.spec.jobUid"
        " && !(has(one.blockOwnerDeletion) && one.blockOwnerDeletion))",
        f"a {SHARDS.kind} is owned by its job alone, and does not hold it",
    ),
    (
        "!has(object.metadata.finalizers) || (oldObject != null && has(oldObject.metadata.finalizers)"
        " && object.metadata.finalizers.all(one, one in oldObject.metadata.finalizers))",
        f"a {SHARDS.kind} has no finalizer: nobody would remove it",
    ),
)
"""What has to be true of a write, and what is said if it is not."""


def shard_policy(name: str, labels: dict[str, str], namespace: str | None) -> list[dict[str, Any]]:
    """The policy, and what puts it into force: in one namespace, or in all."""
    policy = {
        "apiVersion": ADMISSION,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [GROUP],
                        "apiVersions": ["*"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": [SHARDS.plural],
                    }
                ]
            },
            "variables": [
                {"name": "job", "expression": JOB},
                {"name": "own", "expression": OWN},
                {"name": "trusted", "expression": TRUSTED},
            ],
            # Forbidden, for a worker takes an unexplained Invalid for a write that lost a race, and tries again.
            "validations": [
                {"expression": f"({rule}) || variables.trusted", "message": message, "reason": "Forbidden"}
                for rule, message in RULES
            ],
        },
    }
    spec: dict[str, Any] = {"policyName": name, "validationActions": ["Deny"]}
    if namespace is not None:
        spec["matchResources"] = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    binding = {
        "apiVersion": ADMISSION,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
    }
    return [policy, binding]
