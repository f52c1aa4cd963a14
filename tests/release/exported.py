"""The series that an operator exports, and the names that an expression of PromQL uses."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

import promql_parser
from prometheus_client.parser import text_string_to_metric_families

from kubemr_shell.operator.metrics import Jobs, Metrics

OF_PROMETHEUS = {"job", "instance", "pod", "service"}
"""The labels that Prometheus adds to each series of a Service of a cluster."""


def exported_series() -> dict[str, set[str]]:
    """Return the labels of each series, by its name, from metrics that have recorded one event of each kind."""
    metrics = Metrics()
    metrics.done("reconciled")
    metrics.failed("jobs")
    metrics.looked("done", 1.0)
    metrics.waited(1.0)
    metrics.requested("GET", "200", 1.0)
    metrics.registry.register(
        Jobs(
            labels=metrics.namespaces,
            states=lambda: Counter({("jobs", "MAP"): 1}),
            stalled=lambda: Counter({"jobs": 1}),
            waiting=lambda: 1,
            age=lambda: 1.0,
        )
    )
    found: dict[str, set[str]] = defaultdict(set)
    for family in text_string_to_metric_families(metrics.text({"jobs"}).decode()):
        for sample in family.samples:
            found[sample.name] |= set(sample.labels)
    return found


def mistakes(expression: str, series: Mapping[str, set[str]]) -> list[str]:
    """Return the names in an expression that no operator exports. ValueError: the expression cannot be parsed."""
    nodes = _nodes(promql_parser.parse(expression))
    used = [node for node in nodes if isinstance(node, promql_parser.VectorSelector)]
    assert used, f"{expression}: it selects no series"
    unknown = [str(node.name) for node in used if node.name not in series]
    labels = OF_PROMETHEUS.union(*(series[str(node.name)] for node in used if node.name in series))
    selected = {matcher.name for node in used for matcher in node.matchers.matchers}
    grouped = {
        label
        for node in nodes
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None
        for label in node.modifier.labels
    }
    return [*unknown, *sorted((selected | grouped) - labels)]


def _nodes(expression: promql_parser.Expr) -> list[promql_parser.Expr]:
    """Return an expression and all expressions in it."""
    found: list[promql_parser.Expr] = []
    promql_parser.walk(expression, found.append)
    return found
