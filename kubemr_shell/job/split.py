"""The input of one map task, and the line of JSON that stands for it in the plan."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, TypeAlias

from kubemr_shell.errors import Sequel, StorageError

Codec: TypeAlias = Literal["none", "gzip", "bzip2", "xz", "zstd"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The records of one object that begin in the bytes from ``start`` up to, not including, ``end``."""

    uri: str
    """A local path keeps bytes that are no UTF-8 as surrogates (PEP 383)."""
    start: int = 0
    end: int | None = None
    """None: to the end, wherever that is."""
    size: int | None = None
    """Of the whole object; None when its server does not say."""
    codec: Codec = "none"
    fingerprint: str = ""
    """What the object looked like when the job was planned."""


@dataclass(frozen=True, slots=True)
class Split:
    """The pieces that one map task reads, in order."""

    pieces: tuple[Piece, ...]

    def to_json(self) -> str:
        """One line of ASCII; surrogates are escaped, so that every path survives."""
        rows = [[getattr(piece, name) for name in _COLUMNS] for piece in self.pieces]
        return json.dumps(rows, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> Split:
        try:
            return cls(tuple(Piece(**dict(zip(_COLUMNS, row, strict=True))) for row in json.loads(line)))
        except (ValueError, TypeError) as error:
            raise StorageError(
                f"a line of the job's plan is not what was written ({error}): {line[:200]!r}",
                sequel=Sequel.BEGINS_ANEW,
            ) from error


_COLUMNS = ("uri", "start", "end", "size", "codec", "fingerprint")
