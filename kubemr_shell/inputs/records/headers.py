"""The header of a file: its first lines, which are no records. Pure.

The number of lines or their common beginning says where a header ends. In CSV, the lines of a header are rows, so a
quoted field of a header may hold line ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Protocol

from kubemr_shell import engine
from kubemr_shell.errors import InputError
from kubemr_shell.inputs.file_kind import wide_encoding
from kubemr_shell.inputs.records.scanners import Damage, corrupt_input, reason_of
from kubemr_shell.job.records import LINES, Records
from kubemr_shell.job.spec_mappings import HeaderSpec
from kubemr_shell.shown import shown

MOST_BYTES = 8 << 20
"""The size in bytes of the longest header. A task keeps the header in memory."""
_MARK = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8, which may stand before the first line."""
_KEEP = "set header.mode: keep (--header keep)"


class HeaderFormat:
    """The rule for the headers of a job's input files. ``spec.mode`` is ``repeat`` or ``drop``."""

    def __init__(self, spec: HeaderSpec, records: Records | None = None) -> None:
        self._spec = spec
        self._records = records or LINES
        self.is_repeated = self._spec.mode == "repeat"
        """Whether each task gets the header."""

    def of_task(self) -> TaskHeader:
        """Return the state of a task that has not seen a header yet."""
        return TaskHeader(self)

    def split(self, chunks: Iterable[bytes], name: str) -> tuple[bytes | None, Iterator[bytes]]:
        """Return the header of a file, and an iterator over the bytes behind it. The header of an empty file is None.

        ``name`` is the name of the file in errors. Raise CorruptInput for a damaged row of CSV, and InputError for a
        text in UTF-16 or UTF-32 and for a header of more than ``MOST_BYTES``.
        """
        finder = self._finder()
        rest = iter(chunks)
        text = bytearray()
        end = None
        while end is None:
            chunk = next(rest, None)
            text += chunk or b""
            if len(text) < len(_MARK) + 1 and chunk is not None:
                continue  # the byte order mark may not be complete yet
            _refuse_wide(text, name)
            try:
                end = finder.end(text, is_whole=chunk is None)
            except Damage as damage:
                raise corrupt_input(damage, name) from damage
            if (len(text) if end is None else end) > MOST_BYTES:
                raise InputError(
                    f"{shown(name)}: its header is longer than {MOST_BYTES >> 20} MiB: correct header.lines or "
                    f"header.prefix, or {_KEEP}"
                )
        header = bytes(text[:end]) if text else None
        return header, chain([bytes(text[end:])] if end < len(text) else [], rest)

    def _finder(self) -> _Finder:
        if self._spec.prefix is not None:
            return _Prefixed(self._spec.prefix.encode("utf-8", "surrogateescape"))
        if self._records.kind == "csv":
            return _Rows(self._spec.lines, self._records.separator)
        return _Lines(self._spec.lines)


class TaskHeader:
    """The header that one task has seen. All files of the task must have this header."""

    def __init__(self, headers: HeaderFormat) -> None:
        self.format = headers
        self._header: bytes | None = None
        self._name = ""

    def begin(self, header: bytes, name: str) -> bytes:
        """Return the bytes that the command gets for the header of the file ``name``: the header, or nothing.

        Raise InputError if the task has seen another header.
        """
        if not self.format.is_repeated:
            return b""
        if self._header is None:
            self._header, self._name = whole_line(header), name
            return header
        if whole_line(header) != self._header:
            raise InputError(
                f"{shown(name)}: its header is not that of {shown(self._name)}, and one task reads both: unpack them "
                "if they are in an archive, or give each header a job of its own"
            )
        return b""


def whole_line(header: bytes) -> bytes:
    """Return a header with a newline at its end. A file that is only a header may lack it."""
    return header + b"\n" if header and not header.endswith(b"\n") else header


def _refuse_wide(text: bytes | bytearray, name: str) -> None:
    if encoding := wide_encoding(bytes(text[:4])):
        raise InputError(
            f"{shown(name)}: its byte order mark says {encoding}, in which no header can be found: convert the file "
            f"to UTF-8 (iconv -f {encoding} -t UTF-8), or {_KEEP}"
        )


class _Finder(Protocol):
    """A finder of the end of a header."""

    def end(self, text: bytearray, *, is_whole: bool) -> int | None:
        """Return the size of the header, or None if the header may go on behind ``text``.

        ``text`` begins with the file and is longer at each call. ``is_whole``: whether the file ends with it.
        """
        ...


class _Lines(_Finder):
    """A finder of a header of so many lines."""

    def __init__(self, lines: int) -> None:
        self._left = lines
        self._at = 0

    def end(self, text: bytearray, *, is_whole: bool) -> int | None:
        while self._left:
            cut = text.find(b"\n", self._at) + 1
            if not cut:
                return len(text) if is_whole else None
            self._at = cut
            self._left -= 1
        return self._at


class _Rows(_Finder):
    """A finder of a header of so many rows of CSV."""

    def __init__(self, rows: int, delimiter: bytes) -> None:
        self._rows = rows
        self._delimiter = delimiter
        self._scanner = engine.RecordScanner("csv", delimiter[0])

    def end(self, text: bytearray, *, is_whole: bool) -> int | None:
        scanner = self._scanner
        scanner.scan(bytes(text[scanner.position :]), self._rows)
        if is_whole and scanner.records < self._rows:
            scanner.end()
        if scanner.damage:
            raise Damage(scanner.damage_at, reason_of(scanner.damage, self._delimiter))
        return scanner.position if is_whole or scanner.records >= self._rows else None


class _Prefixed(_Finder):
    """A finder of a header of all leading lines that begin with a text."""

    def __init__(self, prefix: bytes) -> None:
        self._prefix = prefix
        self._at = 0

    def end(self, text: bytearray, *, is_whole: bool) -> int | None:
        while True:
            start = len(_MARK) if self._at == 0 and text.startswith(_MARK) else self._at
            head = text[start : start + len(self._prefix)]
            if head != self._prefix:
                is_open = not is_whole and self._prefix.startswith(head)
                return None if is_open else self._at
            cut = text.find(b"\n", start) + 1
            if not cut:
                return len(text) if is_whole else None
            self._at = cut
