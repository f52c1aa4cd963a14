"""The objects of an installation in a cluster, in an order that ``kubectl apply`` can use. Pure.

The names of objects of the whole cluster contain the operator's namespace, so that installations for different
namespaces do not conflict. The definitions are the same for all installations.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from kubemr_shell import __version__
from kubemr_shell.job.crd import job_crd, policy_crd, shard_crd
from kubemr_shell.kube.expansion import literal
from kubemr_shell.operator import restricted
from kubemr_shell.operator.admission import shard_policy
from kubemr_shell.operator.flow_control import flow_control
from kubemr_shell.operator.job_policy import job_policy
from kubemr_shell.operator.manifests import COMMAND, Manifest
from kubemr_shell.operator.options import STALLED_SECONDS, OperatorOptions
from kubemr_shell.operator.rights import editor_rules, operator_rules, viewer_rules
from kubemr_shell.operator.worker_template import template_text

NAME = "mapreduce-operator"
"""The name of the operator's objects. With ``kubemr-…``, the workers of some job would get the operator's account."""
OPERATOR_NAMESPACE = "kubemr"
"""The default namespace of the operator."""
PORT = 8080
"""The port of the metrics and the probes."""
API_SERVER_PORTS = (443, 6443)
"""The usual ports of an API server: the port of its Service, and the port on its hosts."""
OWN_NAMESPACE, OWN_NAME = "KUBEMR_NAMESPACE", "KUBEMR_POD"
"""The variables with the namespace and the name of the operator's pod."""
OWN_FIELDS = {OWN_NAMESPACE: "metadata.namespace", OWN_NAME: "metadata.name"}
"""The variables of the operator's pod to which its arguments refer, with the field of the pod for each."""
RBAC = "rbac.authorization.k8s.io"
"""The API group of roles and bindings."""
RESOURCES: Manifest = {
    "requests": {"cpu": "50m", "memory": "96Mi", "ephemeral-storage": "16Mi"},
    "limits": {"memory": "384Mi", "ephemeral-storage": "64Mi"},
}
"""The resources of the operator's container."""
GROUPS = {"edit": ("admin", "edit"), "view": ("view",)}
"""The suffixes of the ClusterRoles for people, each with the roles of Kubernetes to which it is added."""
LABELS = {"app.kubernetes.io/name": "kubemr", "app.kubernetes.io/component": "operator"}
"""The labels of all objects of an installation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallOptions:
    """The options of an installation.

    ``operator.namespace`` is the existing namespace whose jobs the operator looks after. None means all namespaces.
    ``operator.image`` is also the image of the operator.
    """

    operator: OperatorOptions = field(default_factory=OperatorOptions)
    operator_namespace: str = OPERATOR_NAMESPACE
    replicas: int = 2
    flow_control: bool = False
    job_policy: bool = False
    network_policy: bool = False
    service_monitor: bool = False
    arguments: Sequence[str] = ()
    """Further arguments of the operator."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Further labels of all objects except the definitions."""

    @property
    def cluster_name(self) -> str:
        """Return the name of the installation's objects of the whole cluster."""
        return cluster_name(self.operator_namespace)


def cluster_name(operator_namespace: str) -> str:
    """Return the name of the objects of the whole cluster. Some objects have this name with a suffix."""
    return f"{operator_namespace}-{NAME}"


def names_in_cluster(name: str) -> list[str]:
    """Return all names of objects of the whole cluster that are derived from one ``cluster_name``."""
    return [name, *(f"{name}-{end}" for end in (*GROUPS, "jobs", "template"))]


def installation(options: InstallOptions) -> list[Manifest]:
    """Return all objects of an installation.

    The namespaces are not included: ``kubectl apply`` would change the labels of an existing namespace, and ``kubectl
    delete`` would delete the namespace with everything in it.
    """
    return [
        *definitions(),
        *rights(options),
        *people(options),
        *admission(options),
        *(flows(options) if options.flow_control else ()),
        *(policies(options) if options.job_policy else ()),
        *program(options),
        *((network_policy(options),) if options.network_policy else ()),
        *((service_monitor(options),) if options.service_monitor else ()),
    ]


def definitions() -> list[Manifest]:
    """Return the CustomResourceDefinitions."""
    return [_unshared(job_crd()), _unshared(shard_crd()), _unshared(policy_crd())]


def rights(options: InstallOptions) -> list[Manifest]:
    """Return the operator's account and its permissions in one namespace or in all."""
    jobs_in = options.operator.namespace
    scope = "" if jobs_in else "Cluster"
    metadata: Manifest = {"name": options.cluster_name, "labels": _labels(options)}
    if jobs_in:
        metadata = {**metadata, "namespace": jobs_in}
    account = {"kind": "ServiceAccount", "name": NAME, "namespace": options.operator_namespace}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _own(options)},
        {"apiVersion": f"{RBAC}/v1", "kind": f"{scope}Role", "metadata": metadata, "rules": operator_rules()},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": f"{scope}RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": f"{scope}Role", "name": options.cluster_name},
            "subjects": [account],
        },
    ]


def people(options: InstallOptions) -> list[Manifest]:
    """Return the ClusterRoles by which people who may edit or view a namespace may edit or view its jobs."""
    rules_of = {"edit": [*viewer_rules(), *editor_rules()], "view": viewer_rules()}
    return [
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": {
                "name": f"{options.cluster_name}-{group}",
                "labels": _labels(options) | {f"{RBAC}/aggregate-to-{role}": "true" for role in roles},
            },
            "rules": rules_of[group],
        }
        for group, roles in GROUPS.items()
    ]


def admission(options: InstallOptions) -> list[Manifest]:
    """Return the admission policy for shards."""
    return shard_policy(options.cluster_name, _labels(options), options.operator.namespace)


def flows(options: InstallOptions) -> list[Manifest]:
    """Return the flow control for workers, which is off by default."""
    return flow_control(options.cluster_name, _labels(options), options.operator.namespace)


def policies(options: InstallOptions) -> list[Manifest]:
    """Return the policy for jobs, which is off by default."""
    return job_policy(options.cluster_name, _labels(options), options.operator.namespace)


def program(options: InstallOptions) -> list[Manifest]:
    """Return the operator's Deployment, a Service for its metrics, and a PodDisruptionBudget for the drain of nodes."""
    return [deployment(options), service(options), disruption_budget(options)]


def deployment(options: InstallOptions) -> Manifest:
    """Return the Deployment of the operator."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _own(options),
        "spec": {
            "replicas": options.replicas,
            "selector": {"matchLabels": LABELS},
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": _labels(options)}, "spec": _pod(options)},
        },
    }


def service(options: InstallOptions) -> Manifest:
    """Return the Service of the metrics, with the annotations by which Prometheus finds them."""
    metrics = {"prometheus.io/scrape": "true", "prometheus.io/port": str(PORT), "prometheus.io/path": "/metrics"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**_own(options), "annotations": metrics},
        "spec": {
            "selector": LABELS,
            "ipFamilyPolicy": "PreferDualStack",
            "ports": [{"name": "metrics", "port": PORT, "targetPort": "http"}],
        },
    }


def disruption_budget(options: InstallOptions) -> Manifest:
    """Return the PodDisruptionBudget, with which a drain of nodes evicts one operator at a time."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _own(options),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": LABELS}},
    }


def network_policy(options: InstallOptions) -> Manifest:
    """Return the policy for the traffic of the operator's pods, which is off by default.

    An operator sends requests to the API server only. Most network plugins compare the port of a request after the
    Service of the API server was resolved, so both usual ports are open.
    """
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _own(options),
        "spec": {
            "podSelector": {"matchLabels": LABELS},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"ports": [{"port": "http"}]}],
            "egress": [{"ports": [{"port": port} for port in API_SERVER_PORTS]}],
        },
    }


def service_monitor(options: InstallOptions) -> Manifest:
    """Return the ServiceMonitor for the Prometheus operator, which is off by default.

    Without ``honorLabels``, the namespace of the operator would take the place of the namespaces of the jobs.
    """
    endpoint = {"port": "metrics", "path": "/metrics", "honorLabels": True}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": _own(options),
        "spec": {"selector": {"matchLabels": LABELS}, "endpoints": [endpoint]},
    }


def operator_arguments(options: InstallOptions) -> list[str]:
    """Return the arguments of the operator's container. Options that have their default are left out."""
    chosen = {
        "namespace": options.operator.namespace,
        "image": options.operator.image,
        "output-root": options.operator.output_root,
        "s3-endpoint": options.operator.s3_endpoint,
        "s3-region": options.operator.s3_region,
        "s3-secret": options.operator.s3_secret,
        "worker-template": template_text(template) if (template := options.operator.worker_template) else None,
        "job-ttl": options.operator.job_ttl,
        "pod-ttl": options.operator.pod_ttl,
        "stalled-after": options.operator.stalled_after,
        "log-format": options.operator.log_format,
    }
    defaults = (None, "", STALLED_SECONDS, "text")
    given = [f"--{name}={literal(_text(value))}" for name, value in chosen.items() if value not in defaults]
    own = f"--pod=$({OWN_NAMESPACE})/$({OWN_NAME})"
    return ["operator", f"--port={PORT}", own, *given, *options.arguments]


def yaml_text(documents: list[Manifest]) -> str:
    """Return the documents as YAML, as kubectl reads them from stdin or from a file."""
    texts = (yaml.safe_dump(_unshared(one), sort_keys=False, allow_unicode=True, width=120) for one in documents)
    return "---\n".join(texts)


def _pod(options: InstallOptions) -> Manifest:
    def probe(path: str, period: int) -> Manifest:
        return {"httpGet": {"path": path, "port": "http"}, "periodSeconds": period, "timeoutSeconds": 5}

    container = {
        "name": "operator",
        "image": options.operator.image,
        "command": COMMAND,
        "args": operator_arguments(options),
        "env": [{"name": "HOME", "value": "/tmp"}, *map(_own_field, OWN_FIELDS)],
        "ports": [{"name": "http", "containerPort": PORT}],
        "startupProbe": {**probe("/healthz", 2), "failureThreshold": 60},
        "livenessProbe": {**probe("/healthz", 20), "failureThreshold": 3},
        "readinessProbe": probe("/readyz", 5),
        "resources": RESOURCES,
        "securityContext": restricted.CONTAINER,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": LABELS},
    }
    return {
        "serviceAccountName": NAME,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 15,
        "securityContext": restricted.POD,
        "topologySpreadConstraints": [spread],
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "32Mi"}}],
    }


def _text(value: object) -> str:
    """Return the text of an option. A whole number of seconds has no decimal point."""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _own_field(name: str) -> Manifest:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": OWN_FIELDS[name]}}}


def _own(options: InstallOptions) -> Manifest:
    """Return the metadata of an object in the operator's namespace."""
    return {"name": NAME, "namespace": options.operator_namespace, "labels": _labels(options)}


def _labels(options: InstallOptions) -> dict[str, str]:
    return {**LABELS, "app.kubernetes.io/version": __version__, **options.labels}


def _unshared(document: Manifest) -> Manifest:
    """Return a copy without shared parts. For shared parts, PyYAML would write anchors and references."""
    copy: Manifest = json.loads(json.dumps(document))
    return copy
