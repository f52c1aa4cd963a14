"""The time stamps of Kubernetes objects: in UTC, with whole seconds. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def seconds_of(stamp: str) -> float:
    """Return a time stamp as seconds since 1970."""
    return datetime.fromisoformat(stamp).timestamp()


def stamp_of(seconds: float) -> str:
    """Return seconds since 1970 as a time stamp."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
