"""An input of a job as the planner has found it."""

from __future__ import annotations

from dataclasses import dataclass

from kubemr_shell.job.split import Codec


@dataclass(frozen=True, slots=True, kw_only=True)
class InputObject:
    """A local file, or an object behind a URL."""

    uri: str
    """An absolute path (bytes that are not UTF-8 are surrogate escapes), or a URL."""
    size: int | None
    """The size in bytes as stored, before any decompression; None if the server does not tell it."""
    codec: Codec
    """The kind by the first bytes; auto if no one has looked at them yet."""
    fingerprint: str
    """A text that changes with the content: the size and time of a file, the ETag or date of a URL."""
    splittable: bool
    """Whether a read can begin in the middle."""
    alone: bool = False
    """Whether no other input may share a task with this one."""
