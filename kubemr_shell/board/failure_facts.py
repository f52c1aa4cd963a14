"""The limits for the facts of a failure: in the document that every worker reads, and in messages. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

MOST_BYTES = 4096
"""The greatest size of the facts, in bytes of JSON."""
STDERR_LINES = 15
"""The number of the last lines of stderr that a message or a screen about a failure shows."""
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
