"""From a URI to the storage that knows it."""

from __future__ import annotations

import re

from kubemr_shell.errors import UsageError
from kubemr_shell.storage.interface import Storage
from kubemr_shell.storage.local import LocalStorage

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def locate(uri: str) -> Storage:
    """UsageError for a scheme that no storage knows."""
    scheme = _SCHEME.match(uri)
    if scheme is None or scheme[1] == "file":
        return LocalStorage()
    raise UsageError(
        f"{uri}: nothing can be kept under {scheme[1]}://; give a path or file://"
        f" (for a folder of that name, write ./{uri})"
    )
