"""From a URI to the storage that knows it."""

from __future__ import annotations

import re

from kubemr_shell.errors import UsageError
from kubemr_shell.storage.interface import Storage
from kubemr_shell.storage.local import LocalStorage

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def scheme_of(uri: str) -> str:
    """In lower case; ``file`` for a plain path."""
    match = _SCHEME.match(uri)
    return match[1].lower() if match else "file"


def locate(uri: str) -> Storage:
    """UsageError for a scheme that no storage knows."""
    scheme = scheme_of(uri)
    if scheme == "file":
        return LocalStorage()
    raise UsageError(
        f"{uri}: nothing can be kept under {scheme}://; give a path or file://"
        f" (for a folder of that name, write ./{uri})"
    )
