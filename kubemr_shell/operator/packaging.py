"""The files of ``deploy/``: the same manifests for kustomize and as a Helm chart. Pure.

``make generate`` writes the files. For the chart, the manifests are made with words in capitals where a value is open.
Then each word is replaced by an expression of Helm.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from kubemr_shell import __version__
from kubemr_shell.operator.install import (
    NAME,
    OPERATOR_NAMESPACE,
    OWN_NAMESPACE,
    InstallOptions,
    admission,
    definitions,
    flows,
    operator_arguments,
    people,
    policies,
    program,
    rights,
    yaml_text,
)
from kubemr_shell.operator.manifests import Manifest
from kubemr_shell.operator.options import OperatorOptions

WRITTEN = "# Written by `make generate` from kubemr_shell/operator: change it there.\n"
"""The first line of each file."""
OPEN = InstallOptions(
    operator=OperatorOptions(
        namespace="JOB-NAMESPACE",
        image="IMAGE",
        output_root="OUTPUT-ROOT",
        s3_endpoint="S3-ENDPOINT",
        s3_region="S3-REGION",
        s3_secret="S3-SECRET",  # noqa: S106 - the name of one
    ),
    operator_namespace="RELEASE-NAMESPACE",
    arguments=("--job-ttl=JOB-TTL", "--pod-ttl=POD-TTL", "--stalled-after=STALLED-AFTER", "--log-format=LOG-FORMAT"),
)
"""The options with words in capitals for the open values. No namespace can have such a name."""
OPEN_EVERYWHERE = InstallOptions(
    operator=OperatorOptions(image="IMAGE"), operator_namespace=OPEN.operator_namespace, replicas=OPEN.replicas
)
"""Such options for an operator of all namespaces."""
EXPRESSIONS = {
    "RELEASE-NAMESPACE": "{{ .Release.Namespace }}",
    "JOB-NAMESPACE": "{{ .Values.namespace }}",
    "IMAGE": "{{ .Values.image }}",
    "OUTPUT-ROOT": "{{ .Values.outputRoot }}",
    "S3-ENDPOINT": "{{ .Values.s3.endpoint }}",
    "S3-REGION": "{{ .Values.s3.region }}",
    "S3-SECRET": "{{ .Values.s3.secret }}",
    "JOB-TTL": "{{ .Values.jobTtl }}",
    "POD-TTL": "{{ .Values.podTtl }}",
    "STALLED-AFTER": "{{ .Values.stalledAfter }}",
    "LOG-FORMAT": "{{ .Values.logFormat }}",
}
"""The Helm expression for each word."""
PLACEMENT = ("imagePullSecrets", "nodeSelector", "tolerations", "affinity")
"""The fields of the operator's pod that the values of the chart may add."""
OR_OF_THIS_VERSION = '{{ .Values.image | default (printf "kubemr/base:%s" .Chart.AppVersion) }}'
"""The Helm expression for the image: the value, or the base image of the version of the chart."""


def deploy_files() -> dict[str, str]:
    """Return the content of each file by its path in the repository."""
    return _kustomize() | _helm()


def _kustomize() -> dict[str, str]:
    base = "deploy/kustomize/base"
    everywhere, inside = InstallOptions(), InstallOptions(operator=OperatorOptions(namespace=OPERATOR_NAMESPACE))
    return {
        f"{base}/definitions.yaml": _written(definitions()),
        f"{base}/rights.yaml": _written([*rights(everywhere), *people(everywhere)]),
        f"{base}/admission.yaml": _written(admission(everywhere)),
        f"{base}/operator.yaml": _written(program(everywhere)),
        "deploy/kustomize/flow-control/flow-control.yaml": _written(flows(everywhere)),
        "deploy/kustomize/job-policy/job-policy.yaml": _written(policies(everywhere)),
        "deploy/kustomize/overlays/namespaced/rights.yaml": _written(rights(inside)[1:]),
        "deploy/kustomize/overlays/namespaced/operator.yaml": _written([_in_own_namespace()]),
    }


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


def _helm() -> dict[str, str]:
    chart = "deploy/helm/kubemr"
    return {
        f"{chart}/Chart.yaml": f"""{WRITTEN}apiVersion: v2
name: kubemr
description: MapReduce for any shell command
type: application
version: {__version__}
appVersion: "{__version__}"
kubeVersion: ">=1.30.0-0"
""",
        f"{chart}/crds/definitions.yaml": _written(definitions()),
        f"{chart}/templates/rights.yaml": _either(rights) + "---\n" + _template(people(OPEN)),
        f"{chart}/templates/admission.yaml": _either(admission),
        f"{chart}/templates/flow-control.yaml": "{{- if .Values.flowControl }}\n" + _either(flows) + "{{- end }}\n",
        f"{chart}/templates/job-policy.yaml": "{{- if .Values.jobPolicy }}\n" + _either(policies) + "{{- end }}\n",
        f"{chart}/templates/operator.yaml": _adjustable(_template(program(OPEN))),
    }


def _either(part: Callable[[InstallOptions], list[Manifest]]) -> str:
    """Return a template with the manifests for one namespace if the values name one, else for all namespaces."""
    inside, everywhere = _template(part(OPEN)), _template(part(OPEN_EVERYWHERE))
    return f"{{{{- if .Values.namespace }}}}\n{inside}{{{{- else }}}}\n{everywhere}{{{{- end }}}}\n"


def _template(documents: list[Manifest]) -> str:
    text = yaml_text(documents)
    text = re.sub(r"^( *)- --([a-z0-9-]+)=([A-Z][A-Z0-9-]+)$", _optional_argument, text, flags=re.MULTILINE)
    text = re.sub(r"\bIMAGE\b", OR_OF_THIS_VERSION, text)
    for word, expression in EXPRESSIONS.items():
        text = re.sub(rf"\b{word}\b", expression, text)
    return text


def _optional_argument(found: re.Match[str]) -> str:
    indent, flag, word = found.groups()
    value = EXPRESSIONS[word].strip("{} ")
    argument = f'printf "--{flag}=%s" . | replace "$" "$$" | quote'  # as kube.expansion.literal does
    return f"{indent}{{{{- with {value} }}}}\n{indent}- {{{{ {argument} }}}}\n{indent}{{{{- end }}}}"


def _adjustable(text: str) -> str:
    """Return the template of the Deployment with the further settings that a values file may contain."""
    resources = re.search(r"^( *)resources:\n(\1 .*\n)+", text, flags=re.MULTILINE)
    assert resources is not None
    inner = resources.group(1) + "  "
    given = f"{resources.group(1)}resources:\n{inner}{{{{- toYaml .Values.resources | nindent {len(inner)} }}}}\n"
    text = text.replace(resources.group(0), given)
    text = text.replace(f"  replicas: {OPEN.replicas}\n", "  replicas: {{ .Values.replicas }}\n")
    last = re.search(r'^( *)- \{\{ printf "--s3-secret=.*\n.*end \}\}\n', text, flags=re.MULTILINE)
    assert last is not None
    text = text.replace(last.group(0), last.group(0) + _template_argument(last.group(1)))
    placement = "".join(map(_optional_field, PLACEMENT))
    return text.replace("      enableServiceLinks: false\n", "      enableServiceLinks: false\n" + placement)


def _template_argument(indent: str) -> str:
    """Return the argument with the pod template of all workers. ``$`` is doubled, as ``install`` does."""
    value = '{{ printf "--worker-template=%s" (toJson . | replace "$" "$$") | quote }}'
    return f"{indent}{{{{- with .Values.workerTemplate }}}}\n{indent}- {value}\n{indent}{{{{- end }}}}\n"


def _optional_field(name: str) -> str:
    """Return a field of the pod that the template contains only if the values set it."""
    value = f"{name}:\n        {{{{- toYaml . | nindent 8 }}}}"
    return f"      {{{{- with .Values.{name} }}}}\n      {value}\n      {{{{- end }}}}\n"


def _written(documents: list[Manifest]) -> str:
    return WRITTEN + yaml_text(documents)
