"""Kubeconfigs of a server without authentication, and of a user with few permissions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.support.desk import Desk


def kubeconfig(folder: Path, server: str) -> str:
    named = {"name": "x", "cluster": {"server": server}}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [named],
        "users": [{"name": "x", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "current-context": "x",
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return str(path)


def kubeconfig_of_user(desk: Desk, rules: Sequence[object]) -> str:
    """Return the kubeconfig of a user who has only the permissions in ``rules``."""
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "user"}
    subject = {"kind": "ServiceAccount", "name": "user", "namespace": desk.namespace}
    desk.cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "user"}},
        {"apiVersion": role["apiGroup"] + "/v1", "kind": "Role", "metadata": {"name": "user"}, "rules": rules},
        {
            "apiVersion": role["apiGroup"] + "/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "user"},
            "roleRef": role,
            "subjects": [subject],
        },
        namespace=desk.namespace,
    )
    return desk.cluster.kubeconfig_of("user", desk.namespace, desk.folder)
