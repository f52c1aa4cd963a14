"""An input of a job as the planner has found it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubemr_shell.inputs.file_kind import kind_of, wide_encoding
from kubemr_shell.job.split import Codec, Header

if TYPE_CHECKING:
    from kubemr_shell.inputs.records.recognition import Recognised

MAY_BE_CUT: tuple[Codec, ...] = ("none", "gzip", "bzip2", "xz", "zstd", "lz4")
"""The kinds of inputs that can be cut, the compressed ones only if they consist of blocks."""


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
    encoding: str = ""
    """The encoding of a text whose characters have several bytes, by the byte order mark; empty for other inputs."""
    header: Header | None = None
    """The header; None if the input is empty or has no header, or if the plan does not depend on the header."""

    recognised: Recognised | None = None
    """The format of records that the first bytes show; None if no one has looked."""

    @property
    def records_start(self) -> int:
        """Return the offset at which the records begin, as far as the plan knows it."""
        return self.header.size if self.header is not None and self.codec == "none" else 0

    def looked_at(self, head: bytes) -> InputObject:
        """Return an object in S3 with the kind that its first bytes show. Raise InputError for an unreadable kind."""
        codec = kind_of(head, self.uri) if self.codec == "auto" else self.codec
        return self.of_content(self.uri, size=self.size, fingerprint=self.fingerprint, head=head, codec=codec)

    @classmethod
    def of_content(
        cls, uri: str, *, size: int | None, fingerprint: str, head: bytes, codec: Codec, has_ranges: bool = True
    ) -> InputObject:
        """Return an input whose first bytes are ``head``, and whose kind is ``codec``.

        ``has_ranges``: whether a range of the stored bytes can be read. A compressed input is cut only if it
        consists of blocks, and a text in UTF-16 or UTF-32 is neither cut nor joined with others.
        """
        encoding = wide_encoding(head)
        return cls(
            uri=uri,
            size=size,
            codec=codec,
            fingerprint=fingerprint,
            splittable=has_ranges and codec in MAY_BE_CUT and not encoding,
            alone=bool(encoding),
            encoding=encoding,
        )
