"""The decisions of an uninstallation: which objects it removes, and which jobs it releases. Pure.

An object belongs to an installation if it has the labels of kubemr-shell and the name or the namespace that this
installation uses. A name alone proves nothing. Namespaces are never part of an installation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kubemr_shell.job.kinds import GROUP, JOB_PLURAL, POLICY_PLURAL, SHARD_PLURAL
from kubemr_shell.kube.resources import (
    ADMISSION_BINDINGS,
    ADMISSION_POLICIES,
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    DEPLOYMENTS,
    DISRUPTION_BUDGETS,
    FLOW_SCHEMAS,
    NETWORK_POLICIES,
    PRIORITY_LEVELS,
    ROLE_BINDINGS,
    ROLES,
    SERVICE_ACCOUNTS,
    SERVICE_MONITORS,
    SERVICES,
    Resource,
)
from kubemr_shell.kube.status import Object
from kubemr_shell.operator.deletion import FINALIZER
from kubemr_shell.operator.install import LABELS, NAME, cluster_name, names_in_cluster

LABEL_SELECTOR = ",".join(f"{name}={value}" for name, value in LABELS.items())
"""The label selector for all objects of installations."""
IN_OPERATOR_NAMESPACE = (
    DEPLOYMENTS,
    SERVICES,
    DISRUPTION_BUDGETS,
    NETWORK_POLICIES,
    SERVICE_MONITORS,
    SERVICE_ACCOUNTS,
)
"""The kinds of objects in the namespace of the operator."""
BINDINGS = (CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS)
"""The kinds of objects that grant permissions to the operator."""
KINDS = (
    DEPLOYMENTS,
    SERVICES,
    DISRUPTION_BUDGETS,
    NETWORK_POLICIES,
    SERVICE_MONITORS,
    ADMISSION_BINDINGS,
    ADMISSION_POLICIES,
    FLOW_SCHEMAS,
    PRIORITY_LEVELS,
    CLUSTER_ROLES,
    ROLES,
    SERVICE_ACCOUNTS,
    *BINDINGS,
)
"""All kinds of an installation, in the order in which they are removed.

The operator comes first, because it would add its finalizer to each job again. The bindings come last: they show which
jobs the operator looked after, and an uninstallation that was interrupted reads them again.
"""
DEFINITIONS = tuple(f"{plural}.{GROUP}" for plural in (JOB_PLURAL, SHARD_PLURAL, POLICY_PLURAL))
"""The names of the CustomResourceDefinitions."""

Found = Mapping[Resource, Sequence[Object]]
"""The objects of each kind in KINDS that have the labels of an operator, in all namespaces."""
ALL_NAMESPACES = None
"""The scope that stands for all namespaces of the cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """An object that is to be removed."""

    resource: Resource
    name: str
    namespace: str | None
    uid: str

    def __str__(self) -> str:
        where = f" in the namespace {self.namespace}" if self.namespace else ""
        return f"{self.resource.kind} {self.name}{where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """An installation as it was found in a cluster."""

    things: Sequence[Thing]
    """The objects to remove, in this order."""
    scopes: frozenset[str | None]
    """The namespaces whose jobs its operator looks after, or ALL_NAMESPACES."""
    other_scopes: frozenset[str | None]
    """The namespaces that the operators of other installations look after, or ALL_NAMESPACES."""
    others: Sequence[str]
    """The namespaces in which operators of other installations run."""
    release: str | None
    """The name of the Helm release of the installation; None if Helm has not made it."""

    def must_release(self, job: Object, *, all_jobs: bool = False) -> bool:
        """Return whether our finalizer holds the job, and no other operator is left to remove the finalizer.

        With ``all_jobs``, the jobs of all namespaces are released, because their definition is removed.
        """
        if FINALIZER not in (job["metadata"].get("finalizers") or ()):
            return False
        if all_jobs:
            return True
        namespace = job["metadata"]["namespace"]
        return _covers(self.scopes, namespace) and not _covers(self.other_scopes, namespace)


def removal_of(found: Found, operator_namespace: str) -> Removal:
    """Return the installation whose operator is in ``operator_namespace``."""
    bindings = [one for resource in BINDINGS for one in found.get(resource, ())]
    own = [one for one in bindings if _account_namespace(one) == operator_namespace]
    of_others = [one for one in bindings if one not in own]
    # Two installations by kustomize share objects of the whole cluster. The last uninstallation removes these.
    shared = {_role(one) for one in of_others}
    owned = {cluster_name(operator_namespace), *map(_role, own)} - shared
    names = {name for one in owned for name in names_in_cluster(one)}
    roles = {(_namespace(one), _role(one)) for one in own}

    def is_part(resource: Resource, one: Object) -> bool:
        if resource in IN_OPERATOR_NAMESPACE:
            return _namespace(one) == operator_namespace and one["metadata"]["name"] == NAME
        if resource in BINDINGS:
            return one in own
        if resource is ROLES:
            return (_namespace(one), one["metadata"]["name"]) in roles
        return one["metadata"]["name"] in names

    parts = [(resource, one) for resource in KINDS for one in found.get(resource, ()) if is_part(resource, one)]
    return Removal(
        things=[_thing(resource, one) for resource, one in parts],
        scopes=frozenset(map(_namespace, own)),
        other_scopes=frozenset(map(_namespace, of_others)),
        others=sorted({_account_namespace(one) for one in of_others}),
        release=next(filter(None, (_release(one) for _, one in parts)), None),
    )


def _thing(resource: Resource, one: Object) -> Thing:
    metadata = one["metadata"]
    return Thing(resource=resource, name=metadata["name"], namespace=_namespace(one), uid=metadata["uid"])


def _namespace(one: Object) -> str | None:
    """Return the namespace of an object; ALL_NAMESPACES for an object of the whole cluster."""
    namespace: str | None = one["metadata"].get("namespace", ALL_NAMESPACES)
    return namespace


def _account_namespace(binding: Object) -> str:
    """Return the namespace of the operator to whose account a binding grants permissions; empty if there is none."""
    accounts = (one for one in binding.get("subjects") or () if one.get("name") == NAME)
    return next((str(one.get("namespace", "")) for one in accounts), "")


def _role(binding: Object) -> str:
    return str(binding["roleRef"]["name"])


def _release(one: Object) -> str | None:
    """Return the name of the Helm release of an object; None if Helm has not made the object."""
    release: str | None = (one["metadata"].get("annotations") or {}).get("meta.helm.sh/release-name")
    return release


def _covers(scopes: frozenset[str | None], namespace: str) -> bool:
    return ALL_NAMESPACES in scopes or namespace in scopes
