"""The input of one map task, and its line of JSON in the plan."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, TypeAlias

from kubemr_shell.errors import Sequel, StorageError

Codec: TypeAlias = Literal["none", "auto", "gzip", "bzip2", "xz", "lzma", "zstd", "lz4", "tar", "zip"]
"""The form of the bytes of an input. none: the bytes are the content. auto: the reader decides by the first bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The header of an input: its first lines, which are no records."""

    name: str
    """A digest of the content, so equal headers have equal names. Empty if no task gets the header."""
    size: int
    """The size in bytes, after any decompression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The records of one object that lie in the bytes from ``start`` up to, not including, ``end``.

    The readers of the pieces move both ends to boundaries of records, in the same way for the same offset. If the
    object is compressed, both offsets are those of blocks in the compressed bytes.
    """

    uri: str
    """The URI, or a local path. Bytes of a path that are not UTF-8 are surrogates (PEP 383)."""
    start: int = 0
    end: int | None = None
    """The offset behind the last byte; None for the end of the object."""
    size: int | None = None
    """The bytes of the whole object; None if the server does not state its size."""
    codec: Codec = "none"
    fingerprint: str = ""
    """A text that identifies the version of the object that was planned."""
    exact: bool = False
    """Whether ``start`` and ``end`` are boundaries between records, so that no reader has to search."""

    @property
    def is_whole(self) -> bool:
        """Return whether the piece is the whole object."""
        return self.start == 0 and self.end in (None, self.size)


@dataclass(frozen=True, slots=True)
class Split:
    """The pieces that one map task reads, in order."""

    pieces: tuple[Piece, ...]
    header: str = ""
    """The name of the header that the command gets from the plan before the first record, or an empty string."""

    def to_json(self) -> str:
        """Return the split as one line of ASCII. Surrogates are escaped, so every path is preserved."""
        rows = [[getattr(piece, name) for name in _COLUMNS] for piece in self.pieces]
        return json.dumps([self.header, *rows] if self.header else rows, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> Split:
        """Return the split of a line that ``to_json`` made. Raise StorageError for any other line."""
        try:
            rows = json.loads(line)
            header = rows.pop(0) if rows and isinstance(rows[0], str) else ""
            return cls(tuple(Piece(**dict(zip(_COLUMNS, row, strict=True))) for row in rows), header)
        except (ValueError, TypeError, LookupError) as error:
            raise StorageError(
                f"a line of the job's plan is not what was written ({error}): {line[:200]!r}",
                sequel=Sequel.BEGINS_ANEW,
            ) from error


_COLUMNS = ("uri", "start", "end", "size", "codec", "fingerprint", "exact")
