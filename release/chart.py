"""The files of the Helm chart: the manifests of ``kubemr-shell install`` with expressions where a value is open. Pure.

The manifests are made with ``{{ .Values.NAME }}`` for each open value. The text of the template in such a place depends
on the type of the value in ``chart_values.VALUES``:

- A text stays between quotation marks. A number or a percentage stands without them.
- A field ``{{ with .Values.NAME }}`` is left out if the value is empty. An object or a list is a block of YAML.
- An argument ``--flag={{ .Values.NAME }}`` is left out if the value is empty or null.
- A key ``{{ .Values.NAME }}`` adds the fields of an object to the fields around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import yaml

from kubemr_shell import __version__
from kubemr_shell.operator.install import (
    InstallOptions,
    admission,
    definitions,
    deployment,
    disruption_budget,
    flows,
    network_policy,
    people,
    policies,
    rights,
    service,
    service_monitor,
    yaml_text,
)
from kubemr_shell.operator.manifests import Manifest
from kubemr_shell.operator.options import BASE_IMAGE, OperatorOptions
from release.chart_values import BY_PATH, values_schema, values_table, values_yaml
from release.kustomize import written

WRITTEN_BY_RELEASE = "# Written by `make generate` from release/: change it there.\n"
"""The first line of the files that have no manifests."""
CHART = "kubemr"
"""The name of the chart."""
OLDEST_KUBERNETES = "1.30.0"
"""The oldest version of Kubernetes that has all kinds of objects of the manifests."""
IMAGE = f'{{{{ .Values.image | default (printf "{BASE_IMAGE.rpartition(":")[0]}:%s" .Chart.AppVersion) }}}}'
"""The expression for the image: the value, or the base image of the version of the chart."""
OPEN = InstallOptions(
    operator=OperatorOptions(
        image=IMAGE,
        output_root="{{ .Values.outputRoot }}",
        s3_endpoint="{{ .Values.s3.endpoint }}",
        s3_region="{{ .Values.s3.region }}",
        s3_secret="{{ .Values.s3.secret }}",
    ),
    operator_namespace="{{ .Release.Namespace }}",
    arguments=(
        "--worker-template={{ .Values.workerTemplate }}",
        "--job-ttl={{ .Values.jobTtl }}",
        "--pod-ttl={{ .Values.podTtl }}",
        "--stalled-after={{ .Values.stalledAfter }}",
        "--log-format={{ .Values.logFormat }}",
    ),
    labels={
        "app.kubernetes.io/instance": "{{ .Release.Name }}",
        "app.kubernetes.io/managed-by": "{{ .Release.Service }}",
        "helm.sh/chart": f"{CHART}-{__version__}",
    },
)
"""The options with expressions for all open values, for an operator of all namespaces."""
INSIDE = replace(OPEN, operator=replace(OPEN.operator, namespace="{{ .Values.namespace }}"))
"""Such options for an operator of one namespace."""
ARGUMENT = re.compile(r"^( *)- '?--([a-z0-9-]+)=\{\{ \.Values\.([A-Za-z0-9.]+) \}\}'?\n", re.MULTILINE)
"""An argument of the operator with an open value."""
NUMBER = re.compile(r": '(\{\{ \.Values\.([A-Za-z0-9.]+) \}\})'$", re.MULTILINE)
"""The open value of a field, which may be a number."""
OPTIONAL_FIELD = re.compile(r"^( *)([A-Za-z]+): '\{\{ with \.Values\.([A-Za-z0-9.]+) \}\}'\n", re.MULTILINE)
"""A field with an open value that may be empty."""
FURTHER_FIELDS = re.compile(r"^( *)'\{\{ \.Values\.([A-Za-z0-9.]+) \}\}': null\n", re.MULTILINE)
"""A key that stands for the fields of an object."""


def chart_files() -> dict[str, str]:
    """Return the content of each generated file by its path in the repository."""
    chart = f"deploy/helm/{CHART}"
    templates = {
        "rights": _either(_rights) + "---\n" + template(people(OPEN)),
        "admission": _either(admission),
        "flow-control": _if("flowControl", _either(flows)),
        "job-policy": _if("jobPolicy", _either(policies)),
        "operator": template([_deployment(), service(INSIDE)]),
        "disruption-budget": _if("podDisruptionBudget.enabled", template([_disruption_budget()])),
        "network-policy": _if("networkPolicy.enabled", template([_network_policy()])),
        "service-monitor": _if("serviceMonitor.enabled", template([_service_monitor()])),
    }
    return {
        f"{chart}/Chart.yaml": _metadata(),
        f"{chart}/README.md": _page(),
        f"{chart}/values.yaml": WRITTEN_BY_RELEASE + values_yaml(),
        f"{chart}/values.schema.json": values_schema(),
        f"{chart}/crds/definitions.yaml": written(definitions()),
        **{f"{chart}/templates/{name}.yaml": text for name, text in templates.items()},
    }


def template(documents: list[Manifest]) -> str:
    """Return a template that Helm renders to the documents."""
    text = yaml_text(documents)
    text = ARGUMENT.sub(_argument, text)
    text = NUMBER.sub(_number, text)
    text = OPTIONAL_FIELD.sub(_optional_field, text)
    return FURTHER_FIELDS.sub(_further_fields, text)


def _argument(found: re.Match[str]) -> str:
    """Return an argument that is left out without a value. Like ``kube.expansion.literal``, double each ``$``."""
    indent, flag, path = found.groups()
    kinds = _types(path)
    if "integer" in kinds:
        condition, form, value = f'if not (kindIs "invalid" .Values.{path})', "%d", f"(int64 .Values.{path})"
    else:
        condition, form = f"with .Values.{path}", "%s"
        value = '(toJson . | replace "$" "$$")' if "object" in kinds else '(. | replace "$" "$$")'
    line = f'{indent}- {{{{ printf "--{flag}={form}" {value} | quote }}}}'
    return f"{indent}{{{{- {condition} }}}}\n{line}\n{indent}{{{{- end }}}}\n"


def _number(found: re.Match[str]) -> str:
    expression, path = found.groups()
    return f": {expression}" if "integer" in _types(path) else found.group(0)


def _optional_field(found: re.Match[str]) -> str:
    indent, name, path = found.groups()
    block = _types(path) & {"object", "array"}
    value = f"\n{indent}  {{{{- toYaml . | nindent {len(indent) + 2} }}}}" if block else " {{ quote . }}"
    return f"{indent}{{{{- with .Values.{path} }}}}\n{indent}{name}:{value}\n{indent}{{{{- end }}}}\n"


def _further_fields(found: re.Match[str]) -> str:
    indent, path = found.groups()
    block = f"{{{{- toYaml . | nindent {len(indent)} }}}}"
    return f"{indent}{{{{- with .Values.{path} }}}}\n{indent}{block}\n{indent}{{{{- end }}}}\n"


def _types(path: str) -> set[str]:
    """Return the types that a value may have."""
    kinds = BY_PATH[path].schema["type"]
    return {kinds} if isinstance(kinds, str) else set(kinds)


def _if(path: str, text: str) -> str:
    return f"{{{{- if .Values.{path} }}}}\n{text}{{{{- end }}}}\n"


def _either(part: Callable[[InstallOptions], list[Manifest]]) -> str:
    """Return a template with the manifests for one namespace if the values name one, else for all namespaces."""
    inside, everywhere = template(part(INSIDE)), template(part(OPEN))
    return f"{{{{- if .Values.namespace }}}}\n{inside}{{{{- else }}}}\n{everywhere}{{{{- end }}}}\n"


def _rights(options: InstallOptions) -> list[Manifest]:
    account, *others = rights(options)
    annotations = "{{ with .Values.serviceAccountAnnotations }}"
    return [{**account, "metadata": {**account["metadata"], "annotations": annotations}}, *others]


def _deployment() -> Manifest:
    """Return the Deployment with the values that only the chart has."""
    document = deployment(INSIDE)
    document["spec"]["replicas"] = "{{ .Values.replicas }}"
    pod = document["spec"]["template"]
    pod["metadata"]["annotations"] = "{{ with .Values.podAnnotations }}"
    [container] = pod["spec"]["containers"]
    container["resources"] = "{{ with .Values.resources }}"
    for name in ("imagePullSecrets", "nodeSelector", "tolerations", "affinity", "priorityClassName"):
        pod["spec"][name] = f"{{{{ with .Values.{name} }}}}"
    return document


def _disruption_budget() -> Manifest:
    document = disruption_budget(OPEN)
    document["spec"]["maxUnavailable"] = "{{ .Values.podDisruptionBudget.maxUnavailable }}"
    return document


def _network_policy() -> Manifest:
    document = network_policy(OPEN)
    for direction in ("ingress", "egress"):
        document["spec"][direction] = f"{{{{ with .Values.networkPolicy.{direction} }}}}"
    return document


def _service_monitor() -> Manifest:
    document = service_monitor(OPEN)
    document["metadata"]["labels"]["{{ .Values.serviceMonitor.labels }}"] = None
    [endpoint] = document["spec"]["endpoints"]
    endpoint["interval"] = "{{ with .Values.serviceMonitor.interval }}"
    return document


def _metadata() -> str:
    """Return the content of Chart.yaml."""
    fields = {
        "apiVersion": "v2",
        "name": CHART,
        "description": "MapReduce for any shell command",
        "type": "application",
        "version": __version__,
        "appVersion": __version__,
        "kubeVersion": f">={OLDEST_KUBERNETES}-0",
        "keywords": ["mapreduce", "batch", "shell"],
        "annotations": {"artifacthub.io/license": "Apache-2.0", "artifacthub.io/operator": "true"},
    }
    return WRITTEN_BY_RELEASE + yaml.safe_dump(fields, sort_keys=False)


def _page() -> str:
    """Return the page of the chart, with the table of its values."""
    return f"""<!-- Written by `make generate` from release/: change it there. -->

# The Helm chart

The chart installs the operator of kubemr-shell. [Operations](../../../docs/operations.md) describes the installation,
the upgrade and the removal.

```
helm install kubemr deploy/helm/kubemr -n kubemr --create-namespace --set outputRoot=s3://results,s3.secret=s3
```

The name in parentheses is the option of `kubemr-shell install` with the same meaning. A name that is not in this table
is an error.

{values_table()}"""
