"""The RBAC rules for the operator, for people who use it, and for workers. Pure.

The operator makes a Role for each job. Kubernetes lets an account grant only permissions that the account has itself,
so the operator has the permissions of a worker too. The admission policy prevents their use on shards.
"""

from __future__ import annotations

from typing import Any

from kubemr_shell.kube.resources import (
    BATCH_JOBS,
    CONFIG_MAPS,
    EVENTS,
    JOBS,
    PODS,
    ROLE_BINDINGS,
    ROLES,
    SERVICE_ACCOUNTS,
    SHARDS,
    Resource,
)

Rule = dict[str, Any]
"""A rule of an RBAC Role."""

READ = ("get", "list", "watch")
"""The verbs of accounts that only read."""


def operator_rules() -> list[Rule]:
    """Return the least permissions of the operator. ``tests/operator/test_rights.py`` runs jobs with just these."""
    return [
        _rule(JOBS, "get", "list", "watch", "patch", "delete"),
        _rule(JOBS, "patch", below="status"),
        # Some clusters demand it of accounts that create objects with ``blockOwnerDeletion``.
        _rule(JOBS, "update", below="finalizers"),
        # "list" reads the progress, "deletecollection" removes the shards after the end of a job, and the others are
        # there to be granted to workers. "delete" is left out: it would permit to write any shard (admission.py).
        _rule(SHARDS, "list", "get", "create", "patch", "deletecollection"),
        # "get" reads the owner of an object whose name is taken, here and below.
        _rule(BATCH_JOBS, "list", "watch", "get", "create", "patch", "delete"),
        # "patch" ends a pod in which a sidecar has outlived its worker.
        _rule(PODS, "list", "watch", "patch"),
        _rule(CONFIG_MAPS, "get", "create"),
        _rule(SERVICE_ACCOUNTS, "get", "create"),
        _group_rule((ROLES, ROLE_BINDINGS), "get", "create"),
        _rule(EVENTS, "get", "create", "patch"),
    ]


def viewer_rules() -> list[Rule]:
    """Return the permissions of people who read jobs."""
    return [_group_rule((JOBS, SHARDS), *READ)]


def editor_rules() -> list[Rule]:
    """Return the permissions of people who create jobs. They do not permit to write a status or shards."""
    return [_rule(JOBS, "create", "update", "patch", "delete", "deletecollection")]


def job_rules(job: str) -> list[Rule]:
    """Return the permissions of the workers of a job: read it, write its status; read, create and change shards."""
    return [
        {**_rule(JOBS, "get"), "resourceNames": [job]},
        {**_rule(JOBS, "patch", below="status"), "resourceNames": [job]},
        _rule(SHARDS, "get", "create", "patch"),
    ]


def _rule(resource: Resource, *verbs: str, below: str | None = None) -> Rule:
    name = f"{resource.plural}/{below}" if below else resource.plural
    return {"apiGroups": [_group(resource)], "resources": [name], "verbs": list(verbs)}


def _group_rule(resources: tuple[Resource, ...], *verbs: str) -> Rule:
    first, *_ = resources
    return {"apiGroups": [_group(first)], "resources": [one.plural for one in resources], "verbs": list(verbs)}


def _group(resource: Resource) -> str:
    group, slash, _ = resource.api_version.partition("/")
    return group if slash else ""
