"""Names in messages: whatever bytes a file name has, a message stays one line of text."""

from __future__ import annotations


def shown(name: str) -> str:
    return name if name.isprintable() else repr(name)
