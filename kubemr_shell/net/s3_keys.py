"""The keys of the S3 server in a folder, one file for each key, as Kubernetes mounts a Secret.

The environment of a process never changes. But the kubelet writes these files again about a minute after the Secret
was changed. So a worker that reads the files again can continue with new keys.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

ACCESS_KEY, SECRET_KEY, SESSION_TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
"""The names of the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The credentials that are in the files now."""

    access_key: str
    secret_key: str
    session_token: str | None


def read_keys(folder: str) -> Keys | None:
    """Return the keys in a folder, without line breaks at their ends.

    Return None if the access key or the secret key is missing.
    """
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
