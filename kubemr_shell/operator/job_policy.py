"""A policy of the API server for jobs: who may use ``template``, which Secrets and which outputs. Pure.

It is off by default.

Its parameters are ConfigMaps in the operator's namespace with the label PARAMETERS_LABEL. Each one that is for the
namespace of a job has to allow the job. With none of them no job can be made: what is missing must not mean "all".

Only writes of the spec are looked at: the operator must be able to let go of a job that a newer policy would refuse.
"""

from __future__ import annotations

from typing import Any

from kubemr_shell.job.kinds import GROUP
from kubemr_shell.kube.resources import JOBS
from kubemr_shell.operator.admission import ADMISSION

PARAMETERS_LABEL = "turbobytes.com/job-policy"
"""On ConfigMaps that hold parameters of the policy, with the value ``"true"``."""
NAMESPACES, TEMPLATE, SECRETS, OUTPUTS = KEYS = ("namespaces", "template", "secrets", "outputs")
"""The keys of such a ConfigMap. Names are divided by blanks or lines; a key that is missing restricts nothing."""
BY_RIGHT = "by-right"
"""The value of the key ``template`` that demands the right below."""
RIGHT = ("use", f"{JOBS.plural}/template")
"""The verb and the resource of who may make jobs with a template; no API has this resource, only roles name it."""

SPEC_CHANGES = "oldObject == null || object.spec != oldObject.spec"


def _words(key: str) -> str:
    """Return the expression for the list of words of a key; ``*`` where the key is missing."""
    text = f"params.data['{key}'].replace('\\n', ' ').split(' ').filter(word, word != '')"
    return f"has(params.data) && '{key}' in params.data ? {text} : ['*']"


VARIABLES = {
    "concerned": f"({_words(NAMESPACES)}).exists(word, word == '*' || word == request.namespace)",
    "byRight": f"has(params.data) && '{TEMPLATE}' in params.data && params.data['{TEMPLATE}'].trim() != 'anyone'",
    "mayUse": f"authorizer.group('{GROUP}').resource('{JOBS.plural}').subresource('template')"
    f".namespace(request.namespace).check('{RIGHT[0]}').allowed()",
    "secrets": _words(SECRETS),
    "secret": "has(object.spec.s3) && has(object.spec.s3.secretName) ? string(object.spec.s3.secretName) : ''",
    "outputs": _words(OUTPUTS),
    "written": "has(object.spec.output) ? string(object.spec.output) : ''",
    # The scheme may be written in capitals, and a prefix with slashes at its end.
    "output": "variables.written.lowerAscii().startsWith('s3://')"
    " ? 's3://' + variables.written.substring(5) + '/' : variables.written + '/'",
}
MAY_READ = (
    "variables.secret == '' || variables.secrets.exists(word, word == variables.secret"
    " || (word.endsWith('*') && variables.secret.startsWith(word.substring(0, size(word) - 1))))"
)
MAY_WRITE = (
    "variables.written == '' || variables.outputs.exists(word, word == '*' || variables.output.startsWith("
    "word.replace('{namespace}', request.namespace) + (word.endsWith('/') ? '' : '/')))"
)
ALLOWED_BY = "(ConfigMap ' + params.metadata.name + ' of the operator)'"
RULES = (
    (
        "!has(object.spec.template) || !variables.byRight || variables.mayUse",
        f"'spec.template: needs the right to {RIGHT[0]} {RIGHT[1]} in this namespace {ALLOWED_BY}",
    ),
    (
        MAY_READ,
        f"'spec.s3.secretName: may be ' + variables.secrets.join(', ') + ' {ALLOWED_BY}",
    ),
    (
        MAY_WRITE,
        "'spec.output: must be at or below ' + variables.outputs.join(', ')"
        f".replace('{{namespace}}', request.namespace) + ' {ALLOWED_BY}",
    ),
)
"""What has to be true of a job, and the expression for what is said if it is not."""


def job_policy(
    name: str, labels: dict[str, str], *, operator_namespace: str, namespace: str | None
) -> list[dict[str, Any]]:
    """Return the policy, its binding for one namespace or for all, and a role with the right to use templates."""
    policy = {
        "apiVersion": ADMISSION,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": f"{name}-jobs", "labels": labels},
        "spec": {
            "failurePolicy": "Fail",
            "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
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
            "matchConditions": [
                {"name": "spec-changes", "expression": "oldObject == null || object.spec != oldObject.spec"}
            ],
            "variables": [{"name": name, "expression": expression} for name, expression in VARIABLES.items()],
            "validations": [
                {
                    "expression": f"!variables.concerned || ({rule})",
                    "messageExpression": message,
                    "message": "the policy of this installation for jobs refuses it",
                    "reason": "Forbidden",
                }
                for rule, message in RULES
            ],
        },
    }
    spec: dict[str, Any] = {
        "policyName": f"{name}-jobs",
        "validationActions": ["Deny"],
        "paramRef": {
            "namespace": operator_namespace,
            "selector": {"matchLabels": {PARAMETERS_LABEL: "true"}},
            "parameterNotFoundAction": "Deny",
        },
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
        "rules": [{"apiGroups": [GROUP], "resources": [RIGHT[1]], "verbs": [RIGHT[0]]}],
    }
    return [policy, binding, role]
