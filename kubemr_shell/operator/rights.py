"""What the operator may do, and what people may who use it. Pure.

The operator makes a Role for each job, and an API server lets nobody give away rights that he has not: so it holds the
rights of a worker too. The admission policy keeps it from using those on shards.
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

READ = ("get", "list", "watch")


def operator_rules() -> list[Rule]:
    """The least with which every action of the operator is allowed: tests/operator/test_rights.py runs jobs with it."""
    return [
        _rule(JOBS, "get", "list", "watch", "patch", "delete"),
        _rule(JOBS, "patch", below="status"),
        # Some clusters ask for it of who makes an object that the deletion of a job has to wait for.
        _rule(JOBS, "update", below="finalizers"),
        # Listed for the progress, removed together after the end; the others are there to be given to workers. Who has
        # "delete" may write any shard, by the admission policy: the operator has not.
        _rule(SHARDS, "list", "get", "create", "patch", "deletecollection"),
        # What is made is got as well, if something of its name is there: whose it is.
        _rule(BATCH_JOBS, "list", "watch", "get", "create", "patch", "delete"),
        # Patched to end one in which a sidecar has outlived its worker.
        _rule(PODS, "list", "watch", "patch"),
        _rule(CONFIG_MAPS, "get", "create"),
        _rule(SERVICE_ACCOUNTS, "get", "create"),
        _group_rule((ROLES, ROLE_BINDINGS), "get", "create"),
        _rule(EVENTS, "get", "create", "patch"),
    ]


def viewer_rules() -> list[Rule]:
    """Of those who look at jobs."""
    return [_group_rule((JOBS, SHARDS), *READ)]


def editor_rules() -> list[Rule]:
    """Of those who make jobs. They write no status and no shards."""
    return [_rule(JOBS, "create", "update", "patch", "delete", "deletecollection")]


def job_rules(job: str) -> list[Rule]:
    """Of the workers of one job: read it and write its status; read, make and change shards."""
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
