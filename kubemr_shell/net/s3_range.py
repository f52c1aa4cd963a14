"""The position of the bytes of an answer to GetObject with a range. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kubemr_shell.errors import StorageError
from kubemr_shell.shown import shown

MOST_SKIPPED_BYTES = 8 << 20
"""The largest number of bytes that are skipped when a server sends the whole object."""
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")


def bytes_before(answer: Mapping[str, Any], start: int, uri: str) -> int:
    """Return how many bytes of the body come before byte ``start`` of the object.

    A server may answer a range with the whole object (RFC 9110, section 14.2). Such an answer is accepted if at most
    ``MOST_SKIPPED_BYTES`` have to be skipped. Raise StorageError for any other answer without the bytes.
    """
    said = answer.get("ContentRange")
    if said is None:
        if start > MOST_SKIPPED_BYTES:
            raise StorageError(
                f"{shown(uri)}: the server ignores the header Range, and sent the whole object: use a server that "
                "supports ranges, or copy the object elsewhere"
            )
        return start
    match = _CONTENT_RANGE.fullmatch(said)
    if match is None or int(match[1]) != start:
        raise StorageError(f"{shown(uri)}: asked for byte {start}, the server sent another range ({said})")
    return 0
