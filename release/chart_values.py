"""The table of the Helm chart's values, from which values.yaml, its schema and its page are made. Pure."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from kubemr_shell.operator.install import RESOURCES, InstallOptions, network_policy
from kubemr_shell.operator.worker_template import PARTS

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
NAMES: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
"""The schema of labels, annotations and node selectors."""
FREE: Schema = {"type": "object"}
"""The schema of an object whose fields Kubernetes checks."""
FREE_LIST: Schema = {"type": "array", "items": {"type": "object"}}
"""The schema of a list of such objects."""
SWITCH: Schema = {"type": "boolean"}
SECONDS: Schema = {"type": ["integer", "null"], "minimum": 0}
NAMESPACE: Schema = {"type": "string", "pattern": "^([a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?)?$"}
"""The schema of a namespace, as ``kubemr-shell install`` checks it; empty for none."""
IMAGE: Schema = {"type": "string", "pattern": "^[^\\s'\"$]*$"}

GROUPS = {
    "s3": "The object store of jobs that name none.",
    "podDisruptionBudget": "A PodDisruptionBudget limits how many operators a drain of nodes evicts at the same time.",
    "networkPolicy": "Close all ports of the operator's pods except those that the operator needs.",
    "serviceMonitor": "Let the Prometheus operator read the metrics. The cluster must have the CRD ServiceMonitor.",
}
"""The comment of each group of values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value of the chart."""

    path: str
    """The path in values.yaml: the name, or the name of a group, a dot and the name."""
    default: Any
    schema: Schema
    text: str
    """The comment in values.yaml."""
    option: str = ""
    """The option of ``kubemr-shell install`` with the same meaning; empty if there is none."""


_OPTIONS = InstallOptions()
_TRAFFIC = network_policy(_OPTIONS)["spec"]

VALUES = (
    Value(
        path="namespace",
        default="",
        schema=NAMESPACE,
        text="Look after the jobs of this namespace only. The namespace must exist. Empty: of all namespaces.",
        option="--namespace",
    ),
    Value(
        path="image",
        default="",
        schema=IMAGE,
        text="The image of the operator, and of jobs that name none. Empty: kubemr/base of the version of the chart.",
        option="--image",
    ),
    Value(
        path="outputRoot",
        default="",
        schema={"type": "string", "pattern": "^(s3://.+)?$"},
        text="The place of the outputs of jobs that name none: s3://results means s3://results/{namespace}/{name}. "
        "Empty: each job must name its output.",
        option="--output-root",
    ),
    Value(
        path="s3.endpoint",
        default="",
        schema={"type": "string", "pattern": "^(https?://.+)?$"},
        text="The URL of the server. Empty: Amazon S3.",
        option="--s3-endpoint",
    ),
    Value(path="s3.region", default="", schema=TEXT, text="The region.", option="--s3-region"),
    Value(
        path="s3.secret",
        default="",
        schema=TEXT,
        text="The Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in the namespace of the jobs.",
        option="--s3-secret",
    ),
    Value(
        path="workerTemplate",
        default={},
        schema={"type": "object", "additionalProperties": False, "properties": dict.fromkeys(PARTS, FREE)},
        text="A pod template that is merged under the template of each job: the pull secrets, tolerations and "
        "resources of all workers.",
        option="--worker-template",
    ),
    Value(
        path="jobTtl",
        default=None,
        schema=SECONDS,
        text="The seconds after its end at which a job without ttlSecondsAfterFinished is removed. null: never.",
        option="--job-ttl",
    ),
    Value(
        path="podTtl",
        default=None,
        schema=SECONDS,
        text="The seconds after its end at which the pods of a job, and their logs, are removed. null: with the job.",
        option="--pod-ttl",
    ),
    Value(
        path="stalledAfter",
        default=None,
        schema={"type": ["integer", "null"], "minimum": 1},
        text="The seconds without progress after which a job is called stalled. null: 600.",
        option="--stalled-after",
    ),
    Value(
        path="logFormat",
        default="",
        schema={"type": "string", "enum": ["", "text", "json"]},
        text="The format of the messages of the operator and of the pods of jobs: text or json. Empty: text.",
        option="--log-format",
    ),
    Value(
        path="replicas",
        default=_OPTIONS.replicas,
        schema={"type": "integer", "minimum": 0},
        text="The number of operators. They need no leader.",
        option="--replicas",
    ),
    Value(
        path="flowControl",
        default=False,
        schema=SWITCH,
        text="Give workers a bounded share of the API server.",
        option="--flow-control",
    ),
    Value(
        path="jobPolicy",
        default=False,
        schema=SWITCH,
        text="Let JobPolicies decide who may use templates, which Secrets and which outputs.",
        option="--job-policy",
    ),
    Value(path="resources", default=RESOURCES, schema=FREE, text="The resources of the operator's container."),
    Value(path="imagePullSecrets", default=[], schema=FREE_LIST, text="The pull secrets of the operator's pods."),
    Value(path="nodeSelector", default={}, schema=NAMES, text="The labels of the nodes on which operators may run."),
    Value(path="tolerations", default=[], schema=FREE_LIST, text="The tolerations of the operator's pods."),
    Value(path="affinity", default={}, schema=FREE, text="The affinity of the operator's pods."),
    Value(path="priorityClassName", default="", schema=TEXT, text="The priority class of the operator's pods."),
    Value(path="podAnnotations", default={}, schema=NAMES, text="Annotations of the operator's pods."),
    Value(path="serviceAccountAnnotations", default={}, schema=NAMES, text="Annotations of the operator's account."),
    Value(path="podDisruptionBudget.enabled", default=True, schema=SWITCH, text="Create a PodDisruptionBudget."),
    Value(
        path="podDisruptionBudget.maxUnavailable",
        default=1,
        schema={"type": ["integer", "string"], "minimum": 0, "pattern": "^[0-9]+%$"},
        text="The largest number of operators that may be evicted at the same time, as a number or a percentage.",
    ),
    Value(
        path="networkPolicy.enabled",
        default=False,
        schema=SWITCH,
        text="Create a NetworkPolicy.",
        option="--network-policy",
    ),
    Value(
        path="networkPolicy.ingress",
        default=_TRAFFIC["ingress"],
        schema=FREE_LIST,
        text="The allowed traffic to the operators: probes and metrics.",
    ),
    Value(
        path="networkPolicy.egress",
        default=_TRAFFIC["egress"],
        schema=FREE_LIST,
        text="The allowed traffic from the operators: to the API server, at the port of its Service and on its hosts.",
    ),
    Value(
        path="serviceMonitor.enabled",
        default=False,
        schema=SWITCH,
        text="Create a ServiceMonitor.",
        option="--service-monitor",
    ),
    Value(
        path="serviceMonitor.interval",
        default="",
        schema={"type": "string", "pattern": "^([0-9]+(ms|s|m|h))*$"},
        text="The time between two readings, such as 30s. Empty: the interval that Prometheus has.",
    ),
    Value(
        path="serviceMonitor.labels",
        default={},
        schema=NAMES,
        text="Further labels of the ServiceMonitor, by which a Prometheus selects it.",
    ),
)
"""All values, in the order of values.yaml."""

BY_PATH = {value.path: value for value in VALUES}
"""The values by their paths."""


def values_yaml() -> str:
    """Return the content of values.yaml: each value with its comment and its default."""
    lines: list[str] = []
    group = ""
    for value in VALUES:
        before, _, name = value.path.rpartition(".")
        if before and before != group:
            lines += [*_comment(GROUPS[before], ""), f"{before}:"]
        group = before
        indent = "  " if group else ""
        lines += [*_comment(value.text, indent), f"{indent}{_setting(name, value.default, indent)}"]
    return "\n".join(lines) + "\n"


def values_schema() -> str:
    """Return the JSON Schema of the values. A name that is not in the table is an error."""
    properties: dict[str, Any] = {
        "global": {"type": "object", "description": "Values that Helm shares with subcharts."}
    }
    for value in VALUES:
        before, _, name = value.path.rpartition(".")
        inside = properties
        if before:
            group = {"type": "object", "description": GROUPS[before], "additionalProperties": False, "properties": {}}
            inside = properties.setdefault(before, group)["properties"]
        inside[name] = {**value.schema, "description": value.text}
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "The values of the chart kubemr",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }
    return json.dumps(schema, indent=2) + "\n"


def values_table() -> str:
    """Return the values as the rows of a table in Markdown."""
    rows = (f"| `{value.path}` | `{json.dumps(value.default)}` | {_cell(value)} |" for value in VALUES)
    return "\n".join(["| value | default | meaning |", "|---|---|---|", *rows]) + "\n"


def _cell(value: Value) -> str:
    option = f" (`{value.option}`)" if value.option else ""
    return f"{value.text}{option}"


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, width=118, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")


def _setting(name: str, default: Any, indent: str) -> str:
    """Return the lines of a value: nested collections in the form of a block, the innermost in one line each."""
    if not default or not isinstance(default, dict | list):
        return f"{name}: {json.dumps(default)}"
    text = yaml.safe_dump({name: default}, sort_keys=False, default_flow_style=None, width=110)
    return text.rstrip("\n").replace("\n", f"\n{indent}")
