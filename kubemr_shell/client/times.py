"""Time stamps of Kubernetes, as how long ago they are. Pure."""

from __future__ import annotations

from kubemr_shell.kube.stamps import seconds_of


def seconds_since(stamp: str | None, now: float) -> float | None:
    """``now`` in seconds since 1970. A clock that is behind the server's makes nothing negative."""
    return None if not stamp else max(0.0, now - seconds_of(stamp))


def age_text(seconds: float | None) -> str:
    """As in tables: ``12s``, ``3m20s``, ``2h5m``, ``4d``."""
    if seconds is None:
        return "-"
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 600:
        return f"{whole // 60}m{whole % 60}s"
    if whole < 7200:
        return f"{whole // 60}m"
    if whole < 2 * 86400:
        return f"{whole // 3600}h{whole % 3600 // 60}m"
    return f"{whole // 86400}d"
