"""The pins of files: short texts that change with the content of a file.

A plan keeps the pin of each file of the job, so that no worker runs a content that the planner has not seen.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from typing import TypeAlias

from kubemr_shell.storage.local import fingerprint

Pin: TypeAlias = Callable[[str], str]
"""A function that returns the pin of a local path, and raises OSError if the file cannot be read."""


def pin_by_times(path: str) -> str:
    """Pin a file, or a folder with all files below, by sizes and times. Such pins are comparable on one machine."""
    return _pinned(path, lambda file: fingerprint(os.stat(file)))


def pin_by_content(path: str) -> str:
    """Pin a file, or a folder with all files below, by the SHA-256 of the content. All machines agree on such pins."""
    return _pinned(path, _digest)


def pin_of_bytes(data: bytes) -> str:
    """Return what ``pin_by_content`` returns for a file that holds ``data``."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _pinned(path: str, pin: Pin) -> str:
    if not os.path.isdir(path):
        return pin(path)
    lines = [f"{os.path.relpath(file, path)}\0{pin(file)}\n" for file in sorted(_files_below(path))]
    return pin_of_bytes("".join(lines).encode(errors="surrogateescape"))


def _files_below(folder: str) -> Iterator[str]:
    for root, _, names in os.walk(folder):
        for name in names:
            file = os.path.join(root, name)
            if os.path.isfile(file):
                yield file
