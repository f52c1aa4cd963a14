"""The keys of the object store in a folder of files, one file a key, as Kubernetes mounts a Secret.

Variables of a process never change. The kubelet writes the files again about a minute after the Secret was changed, so
a worker that reads them again goes on with new keys.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

ACCESS_KEY, SECRET_KEY, SESSION_TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Credentials as they stand in the files now."""

    access_key: str
    secret_key: str
    session_token: str | None


def read_keys(folder: str) -> Keys | None:
    """Return the keys in a folder, without the line breaks at their ends; None where one of the two is missing."""
    access_key, secret_key = _read(folder, ACCESS_KEY), _read(folder, SECRET_KEY)
    if not access_key or not secret_key:
        return None
    return Keys(access_key=access_key, secret_key=secret_key, session_token=_read(folder, SESSION_TOKEN) or None)


def _read(folder: str, name: str) -> str:
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\r\n")
    except OSError:
        return ""
