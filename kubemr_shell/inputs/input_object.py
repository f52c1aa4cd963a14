"""One thing to read, as the planner found it."""

from __future__ import annotations

from dataclasses import dataclass

from kubemr_shell.job.split import Codec


@dataclass(frozen=True, slots=True, kw_only=True)
class InputObject:
    """A local file or something behind a URL."""

    uri: str
    """An absolute path (bytes that are no text are surrogate escapes), or a URL."""
    size: int | None
    """In bytes as stored; None where a server does not say."""
    codec: Codec
    """none, gzip, bzip2, xz or zstd."""
    fingerprint: str
    """Differs when the content does: size and time of a file, ETag or date of a URL."""
    splittable: bool
    """Whether reading can begin in the middle."""
