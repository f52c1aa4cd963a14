"""The security contexts that the ``restricted`` pod security standard demands, with a read-only root. Pure."""

from __future__ import annotations

from typing import Any

USER = 65532
"""The user id of workers and of the operator. The images have a user with this id."""
POD: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""The security context of a pod."""
CONTAINER: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""The security context of each container."""
