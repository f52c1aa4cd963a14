"""What is told of a failure, bounded: it stands in a document that every worker reads. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

MOST_BYTES = 4096


def bounded(facts: Mapping[str, object]) -> dict[str, object]:
    """The facts in at most ``MOST_BYTES`` of JSON: the longest texts lose their beginning, for errors stand last."""
    kept = dict(facts)
    while (excess := len(json.dumps(kept)) - MOST_BYTES) > 0:
        name = max(kept, key=lambda name: len(json.dumps(kept[name])))
        value = kept[name]
        if isinstance(value, str) and len(value) > 1:
            kept[name] = value[-(len(value) - max(1, min(excess // 12, len(value) - 1))) :]
        else:
            del kept[name]
    return kept
