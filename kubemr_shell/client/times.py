"""Turns time stamps of Kubernetes into ages. Pure."""

from __future__ import annotations

from kubemr_shell.kube.stamps import seconds_of


def seconds_since(stamp: str | None, now: float) -> float | None:
    """Return the seconds since a stamp, at least 0 even if this clock is behind the server's. ``now`` is Unix time."""
    return None if not stamp else max(0.0, now - seconds_of(stamp))


def age_text(seconds: float | None) -> str:
    """Return an age as tables show it: ``12s``, ``3m20s``, ``2h5m``, ``4d``."""
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
