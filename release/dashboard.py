"""The Grafana dashboard for the metrics of the operator: ``deploy/grafana-dashboard.json``. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 12, 8
"""The size of a panel. A row of Grafana has 24 columns."""
SOURCE = {"type": "prometheus", "uid": "${source}"}
"""The Prometheus that the reader of the dashboard chooses."""
NAMESPACE = 'namespace=~"$namespace"'
"""The selector of the namespaces that the reader chooses. Their default is all namespaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A graph of one expression."""

    title: str
    text: str
    """The explanation that Grafana shows at the title."""
    expression: str
    legend: str
    unit: str = "short"
    """The unit of Grafana: ``short`` for a number, ``s`` for seconds, ``ops`` for a number in each second."""
    stacked: bool = False


def _quantile(histogram: str, *labels: str) -> str:
    """Return the expression for the time within which 99 % of the observations are."""
    groups = ", ".join(("le", *labels))
    return f"histogram_quantile(0.99, sum by ({groups}) (rate({histogram}_bucket[$__rate_interval])))"


PANELS = (
    Panel(
        title="Jobs by state",
        text="All operators report the same jobs.",
        expression=f"sum by (state) (max by (namespace, state) (kubemr_jobs{{{NAMESPACE}}}))",
        legend="{{state}}",
        stacked=True,
    ),
    Panel(
        title="Stalled jobs",
        text="Jobs in which no worker has made progress for longer than --stalled-after (600 seconds by default).",
        expression=f"max by (namespace) (kubemr_jobs_stalled{{{NAMESPACE}}})",
        legend="{{namespace}}",
        stacked=True,
    ),
    Panel(
        title="Jobs that wait to be reconciled",
        text="If this number stays far above the number of running jobs for minutes, the operator is falling behind.",
        expression="max by (pod) (kubemr_queue)",
        legend="{{pod}}",
    ),
    Panel(
        title="Age of the queue",
        text="The time for which the oldest due job has waited.",
        expression="max by (pod) (kubemr_queue_age_seconds)",
        legend="{{pod}}",
        unit="s",
    ),
    Panel(
        title="Delay of reconciliations (99 %)",
        text="The time for which a job had been due when its reconciliation began.",
        expression=_quantile("kubemr_queue_wait_seconds"),
        legend="delay",
        unit="s",
    ),
    Panel(
        title="Duration of reconciliations (99 %)",
        text="The outcome again means that the job had changed meanwhile, or that an action was refused.",
        expression=_quantile("kubemr_look_seconds", "outcome"),
        legend="{{outcome}}",
        unit="s",
    ),
    Panel(
        title="Operations",
        text="The kind refused counts writes for which another writer was faster.",
        expression="sum by (kind) (rate(kubemr_operations_total[$__rate_interval]))",
        legend="{{kind}}",
        unit="ops",
    ),
    Panel(
        title="Reconciliations that ended in an error",
        text="The log of the operator has the errors.",
        expression=f"sum by (namespace) (rate(kubemr_failures_total{{{NAMESPACE}}}[$__rate_interval]))",
        legend="{{namespace}}",
        unit="ops",
    ),
    Panel(
        title="Time of the API server (99 %)",
        text="The time until the API server began its answer. The answer to a watch begins with the first change.",
        expression=_quantile("kubemr_api_request_seconds", "method"),
        legend="{{method}}",
        unit="s",
    ),
    Panel(
        title="Answers of the API server",
        text="The code none counts requests without an answer.",
        expression="sum by (code) (rate(kubemr_api_request_seconds_count[$__rate_interval]))",
        legend="{{code}}",
        unit="ops",
    ),
    Panel(
        title="Memory of the operators",
        text="The limit of the manifests is 384Mi.",
        expression='max by (pod) (process_resident_memory_bytes{service="mapreduce-operator"})',
        legend="{{pod}}",
        unit="bytes",
    ),
    Panel(
        title="CPU of the operators",
        text="The CPUs in use.",
        expression='sum by (pod) (rate(process_cpu_seconds_total{service="mapreduce-operator"}[$__rate_interval]))',
        legend="{{pod}}",
    ),
)
"""The panels, in rows of two."""


def dashboard() -> str:
    """Return the dashboard as Grafana imports it."""
    whole = {
        "title": "kubemr-shell",
        "uid": "kubemr-shell",
        "tags": ["kubemr"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": _choices()},
        "panels": _placed(PANELS),
    }
    return json.dumps(whole, indent=2) + "\n"


def _choices() -> list[dict[str, Any]]:
    """Return the variables that a reader of the dashboard sets."""
    namespaces = {
        "name": "namespace",
        "label": "Namespace",
        "type": "query",
        "datasource": SOURCE,
        "query": "label_values(kubemr_jobs, namespace)",
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }
    return [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}, namespaces]


def _placed(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    return [
        {
            "id": number + 1,
            "type": "timeseries",
            "title": panel.title,
            "description": panel.text,
            "datasource": SOURCE,
            "gridPos": {"h": HEIGHT, "w": WIDTH, "x": number % 2 * WIDTH, "y": number // 2 * HEIGHT},
            "targets": [{"refId": "A", "expr": panel.expression, "legendFormat": panel.legend, "datasource": SOURCE}],
            "fieldConfig": {
                "defaults": {
                    "unit": panel.unit,
                    "min": 0,
                    "custom": {"stacking": {"mode": "normal" if panel.stacked else "none"}},
                },
                "overrides": [],
            },
        }
        for number, panel in enumerate(panels)
    ]
