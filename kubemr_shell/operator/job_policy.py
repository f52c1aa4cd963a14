"""A ValidatingAdmissionPolicy for jobs: who may use ``template``, which Secrets and which outputs. Pure.

The policy is off by default. Its parameters are the objects of the kind JobPolicy (``job.crd.policy_crd``). Each
JobPolicy for the namespace of a job must allow the job. Without a JobPolicy, nothing is restricted.

The policy checks only writes that change the spec, so that the operator can always release a job that a newer policy
would refuse. For the same reason, a missing parameter allows the write: the API server looks for the parameters before
it looks at the change.
"""

from __future__ import annotations

from typing import Any

from kubemr_shell.job.kinds import GROUP
from kubemr_shell.kube.resources import JOBS, POLICIES
from kubemr_shell.operator.admission import ADMISSION

PERMISSION = ("use", f"{JOBS.plural}/template")
"""The verb and the resource of the permission to use a template. No API serves this resource: only roles name it."""
SPEC_CHANGES = "oldObject == null || object.spec != oldObject.spec"
"""The CEL expression that is true of a write that changes the spec."""

VARIABLES = {
    "concerned": "!has(params.spec.namespaces) || request.namespace in params.spec.namespaces",
    "mayUse": f"authorizer.group('{GROUP}').resource('{JOBS.plural}').subresource('template')"
    f".namespace(request.namespace).check('{PERMISSION[0]}').allowed()",
    "secrets": "has(params.spec.secrets) ? params.spec.secrets : ['*']",
    "secret": "has(object.spec.s3) && has(object.spec.s3.secretName) ? string(object.spec.s3.secretName) : ''",
    "outputs": "has(params.spec.outputs)"
    " ? params.spec.outputs.map(one, one.replace('{namespace}', request.namespace)) : ['*']",
    "written": "has(object.spec.output) ? string(object.spec.output) : ''",
    # A user may write the scheme in capitals, and slashes at the end of the prefix.
    "output": "variables.written.lowerAscii().startsWith('s3://')"
    " ? 's3://' + variables.written.substring(5) + '/' : variables.written + '/'",
}
"""The CEL variables of the policy, by name."""
MAY_READ = (
    "variables.secret == '' || variables.secrets.exists(one, one == variables.secret"
    " || (one.endsWith('*') && variables.secret.startsWith(one.substring(0, size(one) - 1))))"
)
"""The CEL expression that is true of a job with a permitted Secret."""
MAY_WRITE = (
    "variables.written == '' || variables.outputs.exists(one, one == '*'"
    " || variables.output.startsWith(one + (one.endsWith('/') ? '' : '/')))"
)
"""The CEL expression that is true of a job with a permitted output."""
BY = f"' ({POLICIES.kind} ' + params.metadata.name + ')'"
"""The CEL expression for the JobPolicy at the end of each message."""
RULES = (
    (
        "!has(object.spec.template) || !has(params.spec.template) || params.spec.template == 'Anyone'"
        " || variables.mayUse",
        f"'spec.template: needs the permission to {PERMISSION[0]} {PERMISSION[1]} in this namespace' + {BY}",
    ),
    (MAY_READ, f"'spec.s3.secretName: must be one of ' + variables.secrets.join(', ') + {BY}"),
    (MAY_WRITE, f"'spec.output: must be at or below ' + variables.outputs.join(', ') + {BY}"),
)
"""The CEL expressions that must be true of a job, each with the expression of the message if it is not."""


def job_policy(name: str, labels: dict[str, str], namespace: str | None) -> list[dict[str, Any]]:
    """Return the policy, its binding for one namespace or for all, and a role that permits the use of templates."""
    policy = {
        "apiVersion": ADMISSION,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": f"{name}-jobs", "labels": labels},
        "spec": {
            "failurePolicy": "Fail",
            "paramKind": {"apiVersion": POLICIES.api_version, "kind": POLICIES.kind},
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [GROUP],
                        "apiVersions": ["*"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": [JOBS.plural],
                    }
                ]
            },
            "matchConditions": [{"name": "spec-changes", "expression": SPEC_CHANGES}],
            "variables": [{"name": name, "expression": expression} for name, expression in VARIABLES.items()],
            "validations": [
                {
                    "expression": f"!variables.concerned || ({rule})",
                    "messageExpression": message,
                    "message": "refused by the policy for jobs of this installation",
                    "reason": "Forbidden",
                }
                for rule, message in RULES
            ],
        },
    }
    spec: dict[str, Any] = {
        "policyName": f"{name}-jobs",
        "validationActions": ["Deny"],
        "paramRef": {"selector": {}, "parameterNotFoundAction": "Allow"},
    }
    if namespace is not None:
        spec["matchResources"] = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    binding = {
        "apiVersion": ADMISSION,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": f"{name}-jobs", "labels": labels},
        "spec": spec,
    }
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": f"{name}-template", "labels": labels},
        "rules": [{"apiGroups": [GROUP], "resources": [PERMISSION[1]], "verbs": [PERMISSION[0]]}],
    }
    return [policy, binding, role]
