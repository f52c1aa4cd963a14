"""What the ``restricted`` level of pod security demands, and a root file system that cannot be written. Pure."""

from __future__ import annotations

from typing import Any

USER = 65532
"""The user id of workers and of the operator; the images have a user of that number."""
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
"""That of each of its containers."""
