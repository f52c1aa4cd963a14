"""A ValidatingAdmissionPolicy: only the account of a job may write the shards of the job. Pure.

RBAC cannot express this rule: the name of a shard is not known before the shard exists, and RBAC has no prefixes.
Accounts that may delete shards may also write all of them: administrators and the garbage collector. Workers and the
operator may not delete shards.
"""

from __future__ import annotations

from typing import Any

from kubemr_shell.board.stores.documents import JOB_LABEL
from kubemr_shell.job.kinds import GROUP, JOB_KIND
from kubemr_shell.kube.resources import SHARDS
from kubemr_shell.operator.manifests import account_name

ADMISSION = "admissionregistration.k8s.io/v1"
"""The API version of admission policies and their bindings."""
SHARD_TAIL = "^[mrp][0-9]+-[0-9]{5,}$"
"""The pattern of a shard's name after the name of its job and ``-``. ``job.names.shard_name`` writes such names."""

JOB = "has(object.spec) && has(object.spec.job) ? string(object.spec.job) : ''"
"""The CEL expression for the name of the job that a shard names."""
OWN = (
    f"request.userInfo.username == 'system:serviceaccount:' + request.namespace + ':{account_name('')}' + variables.job"
)
"""The CEL expression that is true of a write by the account of that job."""
TRUSTED = (
    f"authorizer.group('{GROUP}').resource('{SHARDS.plural}').namespace(request.namespace).check('delete').allowed()"
)
"""The CEL expression that is true of an account that may delete shards."""

RULES = (
    (
        "variables.own",
        f"a {SHARDS.kind} is written by the account of its job, {account_name('<spec.job>')}",
    ),
    (
        "oldObject == null"
        " || (has(oldObject.spec) && has(oldObject.spec.job) && string(oldObject.spec.job) == variables.job)",
        f"a {SHARDS.kind} must stay with its job",
    ),
    (
        "object.metadata.name.startsWith(variables.job + '-')"
        f" && object.metadata.name.substring(size(variables.job) + 1).matches('{SHARD_TAIL}')",
        f"a {SHARDS.kind} has a name from its job, its phase and its number",
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
        f"a {SHARDS.kind} has its job as the only owner, without blockOwnerDeletion",
    ),
    (
        "!has(object.metadata.finalizers) || (oldObject != null && has(oldObject.metadata.finalizers)"
        " && object.metadata.finalizers.all(one, one in oldObject.metadata.finalizers))",
        f"a {SHARDS.kind} must have no finalizer: no program would remove it",
    ),
)
"""The CEL expressions that must be true of a write, each with the message for a write that breaks the rule."""


def shard_policy(name: str, labels: dict[str, str], namespace: str | None) -> list[dict[str, Any]]:
    """Return the policy and its binding, for one namespace or, with None, for all namespaces."""
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
            # Not Invalid: a worker takes an Invalid without causes for a write that lost a race, and tries again.
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
