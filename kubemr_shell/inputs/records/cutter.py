"""Finds the places where a large file is cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kubemr_shell.errors import CorruptInput
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.shown import shown


class Cutter(Protocol):
    """A finder of the places where a file is cut."""

    @property
    def is_exact(self) -> bool:
        """Return whether the cuts are boundaries of records, so that no reader of a piece has to search."""
        ...

    def cuts(self, item: InputObject, wanted: Sequence[int]) -> list[int]:
        """Return offsets close to the wanted ones, in increasing order and inside the file."""
        ...


class ReadingCutter(Cutter):
    """A cutter that reads the inputs. ``folder`` is the folder of relative names."""

    def __init__(self, *, folder: str, s3: S3Config, cancel_fd: int) -> None:
        self._folder = folder
        self._s3 = s3
        self._cancel_fd = cancel_fd


class Anywhere(Cutter):
    """A cutter for formats whose readers find the boundaries."""

    is_exact = False

    def cuts(self, item: InputObject, wanted: Sequence[int]) -> list[int]:
        return list(wanted) if item.codec == "none" else []


ANYWHERE = Anywhere()
"""The cutter for all formats whose readers find the boundaries."""


class BySize(Cutter):
    """A cutter for records of one size in bytes."""

    is_exact = True

    def __init__(self, size: int) -> None:
        self._size = size

    def cuts(self, item: InputObject, wanted: Sequence[int]) -> list[int]:
        """Return the boundaries before the wanted offsets. Raise CorruptInput if the last record is not whole."""
        assert item.size is not None
        rest = item.size % self._size
        if rest:
            raise CorruptInput(
                f"{shown(item.uri)}: byte {item.size - rest}: the file has {item.size} bytes, which is no multiple of "
                f"{self._size}: get a complete copy, or correct records: {{bytes: {self._size}}}"
            )
        return sorted({cut - cut % self._size for cut in wanted} - {0})
