"""The merge of a user's pod template over ours. Pure.

Mappings are merged. In lists whose items have names (containers, volumes, variables, mounts by their path), items with
the same name are merged and the others are added. Any other value replaces ours, and null removes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

KEYS = ("mountPath", "name", "key")
"""The fields that may identify the items of a list. The first field that all items have is used.

The path comes first, because several mounts of one volume have the same name.
"""


def merged(ours: Any, theirs: Any) -> Any:
    """Return ``ours`` with ``theirs`` merged over it."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        kept = {name: value for name, value in ours.items() if name not in theirs}
        given = {name: merged(ours.get(name), value) for name, value in theirs.items() if value is not None}
        return kept | given
    if isinstance(ours, list) and isinstance(theirs, list) and (key := _key(ours + theirs)):
        return _merged_lists(ours, theirs, key)
    return theirs


def _merged_lists(ours: Sequence[Any], theirs: Sequence[Any], key: str) -> list[Any]:
    by_name = {item[key]: item for item in theirs}
    changed = [merged(item, by_name.pop(item[key], item)) for item in ours]
    return changed + list(by_name.values())


def _key(items: Sequence[Any]) -> str | None:
    if not items or not all(isinstance(item, Mapping) for item in items):
        return None
    return next((key for key in KEYS if all(isinstance(item.get(key), str) for item in items)), None)
