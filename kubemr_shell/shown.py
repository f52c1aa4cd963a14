"""The form of file names in messages: whatever bytes a name has, the message stays one line of text."""

from __future__ import annotations


def shown(name: str) -> str:
    """Return a name as it is or, if it has unprintable characters, in quotes with escapes."""
    return name if name.isprintable() else repr(name)
