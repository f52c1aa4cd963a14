"""The size limit for the facts of a failure, which stand in a document that every worker reads. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

MOST_BYTES = 4096
"""The greatest size of the facts, in bytes of JSON."""
LONGEST_ESCAPE = 12
"""The greatest size of one character, in bytes of JSON."""


def bounded(facts: Mapping[str, object]) -> dict[str, object]:
    """Cut the facts to ``MOST_BYTES`` of JSON. The longest texts lose their beginning, because errors come last."""
    kept = {name: value[-MOST_BYTES:] if isinstance(value, str) else value for name, value in facts.items()}
    while (excess := len(json.dumps(kept)) - MOST_BYTES) > 0:
        name = max(kept, key=lambda name: len(json.dumps(kept[name])))
        value = kept[name]
        if isinstance(value, str) and len(value) > 1:
            cut = max(1, min(excess // LONGEST_ESCAPE, len(value) - 1))
            kept[name] = value[cut:]
        else:
            del kept[name]
    return kept
