"""Which cluster, and what in it, a command line means."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach a cluster; None: as kubectl would."""

    namespace: str | None = None
    context: str | None = None
    kubeconfig: str | None = None

    @property
    def flags(self) -> str:
        """What other command lines need to reach the same, to be put behind them."""
        named = (("-n", self.namespace), ("--context", self.context), ("--kubeconfig", self.kubeconfig))
        return "".join(f" {flag} {shlex.quote(value)}" for flag, value in named if value)
