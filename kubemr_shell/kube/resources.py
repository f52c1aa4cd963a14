"""The kinds of objects that we use, and their paths on the API server. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from kubemr_shell.job.kinds import (
    API_VERSION,
    JOB_KIND,
    JOB_PLURAL,
    POLICY_KIND,
    POLICY_PLURAL,
    SHARD_KIND,
    SHARD_PLURAL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A kind of object. With ``has_status``, the status is written by a subresource of its own."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True
    has_status: bool = False

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the path of the collection, or of one object. ``namespace=None`` means all namespaces."""
        root = "/api" if "/" not in self.api_version else "/apis"
        parts = [root, self.api_version]
        if self.namespaced and namespace is not None:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name is not None:
            parts.append(quote(name, safe=""))
        if subresource is not None:
            parts.append(subresource)
        return "/".join(parts)


# Each constant is the resource of one kind.
JOBS = Resource(api_version=API_VERSION, kind=JOB_KIND, plural=JOB_PLURAL, has_status=True)
SHARDS = Resource(api_version=API_VERSION, kind=SHARD_KIND, plural=SHARD_PLURAL)
POLICIES = Resource(api_version=API_VERSION, kind=POLICY_KIND, plural=POLICY_PLURAL, namespaced=False)
PODS = Resource(api_version="v1", kind="Pod", plural="pods")
CONFIG_MAPS = Resource(api_version="v1", kind="ConfigMap", plural="configmaps")
SECRETS = Resource(api_version="v1", kind="Secret", plural="secrets")
SERVICE_ACCOUNTS = Resource(api_version="v1", kind="ServiceAccount", plural="serviceaccounts")
EVENTS = Resource(api_version="v1", kind="Event", plural="events")
NAMESPACES = Resource(api_version="v1", kind="Namespace", plural="namespaces", namespaced=False)
ROLES = Resource(api_version="rbac.authorization.k8s.io/v1", kind="Role", plural="roles")
ROLE_BINDINGS = Resource(api_version="rbac.authorization.k8s.io/v1", kind="RoleBinding", plural="rolebindings")
BATCH_JOBS = Resource(api_version="batch/v1", kind="Job", plural="jobs")
CLUSTER_ROLES = Resource(
    api_version="rbac.authorization.k8s.io/v1", kind="ClusterRole", plural="clusterroles", namespaced=False
)
CLUSTER_ROLE_BINDINGS = Resource(
    api_version="rbac.authorization.k8s.io/v1",
    kind="ClusterRoleBinding",
    plural="clusterrolebindings",
    namespaced=False,
)
DEPLOYMENTS = Resource(api_version="apps/v1", kind="Deployment", plural="deployments")
SERVICES = Resource(api_version="v1", kind="Service", plural="services")
DISRUPTION_BUDGETS = Resource(api_version="policy/v1", kind="PodDisruptionBudget", plural="poddisruptionbudgets")
ADMISSION_POLICIES = Resource(
    api_version="admissionregistration.k8s.io/v1",
    kind="ValidatingAdmissionPolicy",
    plural="validatingadmissionpolicies",
    namespaced=False,
)
ADMISSION_BINDINGS = Resource(
    api_version="admissionregistration.k8s.io/v1",
    kind="ValidatingAdmissionPolicyBinding",
    plural="validatingadmissionpolicybindings",
    namespaced=False,
)
FLOW_SCHEMAS = Resource(
    api_version="flowcontrol.apiserver.k8s.io/v1", kind="FlowSchema", plural="flowschemas", namespaced=False
)
PRIORITY_LEVELS = Resource(
    api_version="flowcontrol.apiserver.k8s.io/v1",
    kind="PriorityLevelConfiguration",
    plural="prioritylevelconfigurations",
    namespaced=False,
)
NETWORK_POLICIES = Resource(api_version="networking.k8s.io/v1", kind="NetworkPolicy", plural="networkpolicies")
SERVICE_MONITORS = Resource(api_version="monitoring.coreos.com/v1", kind="ServiceMonitor", plural="servicemonitors")
CRDS = Resource(
    api_version="apiextensions.k8s.io/v1",
    kind="CustomResourceDefinition",
    plural="customresourcedefinitions",
    namespaced=False,
)
