"""Times as Kubernetes writes them into objects: in UTC, to a second. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def seconds_of(stamp: str) -> float:
    """Seconds since 1970."""
    return datetime.fromisoformat(stamp).timestamp()


def stamp_of(seconds: float) -> str:
    """The reverse of ``seconds_of``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
