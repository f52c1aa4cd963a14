"""The choice of the storage for a URI."""

from __future__ import annotations

import re

from kubemr_shell.errors import UsageError
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.storage.interface import Storage
from kubemr_shell.storage.local import LocalStorage

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SLIP = re.compile(r"s3:/(?!/)", re.IGNORECASE)


def scheme_of(uri: str) -> str:
    """Return the scheme of a URI in lower case, or ``file`` for a plain path."""
    match = _SCHEME.match(uri)
    return match[1].lower() if match else "file"


def locate(uri: str, s3: S3Config = S3Config()) -> Storage:  # noqa: B008 - frozen
    """Return the storage for a URI. Raise UsageError if no storage has the scheme of the URI."""
    scheme = scheme_of(uri)
    if _SLIP.match(uri):
        raise UsageError(f"{uri}: write s3:// with two slashes (for a folder of that name, write ./{uri})")
    if scheme == "file":
        return LocalStorage()
    if scheme == "s3":
        from kubemr_shell.net.s3_client import client_for
        from kubemr_shell.storage.s3 import S3Storage

        return S3Storage(client_for(s3))
    raise UsageError(
        f"{uri}: nothing can be kept under {scheme}://; give a path, file:// or s3://"
        f" (for a folder of that name, write ./{uri})"
    )
