"""The cluster and the namespace that a command line names."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The way to reach a cluster. For a field that is None, the choice is that of kubectl."""

    namespace: str | None = None
    context: str | None = None
    kubeconfig: str | None = None

    @property
    def flags(self) -> str:
        """Return the flags with which another command line reaches the same cluster and namespace, to be appended."""
        named = (("-n", self.namespace), ("--context", self.context), ("--kubeconfig", self.kubeconfig))
        return "".join(f" {flag} {shlex.quote(value)}" for flag, value in named if value)
