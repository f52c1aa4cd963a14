"""Makes tar archives in memory."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable


def tar_of(members: Iterable[tuple[str, bytes]], *, form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return an archive of files with these names and contents."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def tar_gz_of(members: Iterable[tuple[str, bytes]]) -> bytes:
    return gzip.compress(tar_of(members))
