"""Counts the records of a stream, and checks that they have the right format.

The stream begins with a record. The formats are:

- ``end-byte``: the byte ``mark`` ends each record.
- ``csv``: an RFC 4180 row. ``mark`` is the delimiter. Only a quote at the start of a field opens a quoted field.
- ``fasta``: a line that begins with ``>`` or ``;``, and all lines up to the next such line. Lines before the first such
  line are a record too.
- ``fastq``: four lines: ``@`` and a name, the sequence, ``+``, and the quality, which is as long as the sequence.
"""

from __future__ import annotations

from collections.abc import Callable

from kubemr_shell.engine.reference.scan import pieces

_MARK = b"\xef\xbb\xbf"
_LF, _CR, _QUOTE = b'\n\r"'


class RecordScanner:
    """A scanner of one stream, which comes in chunks of any size.

    ``records`` is the number of complete records, or for FASTA of records that have begun. ``position`` is the number
    of bytes scanned. ``last`` is the last byte, or -1 before the first byte. ``damage`` names the broken rule of the
    format, and ``damage_at`` is the offset of the damage in the stream. The rules are ``quote``, ``close`` and
    ``unterminated`` (CSV), and ``blank``, ``header``, ``sequence``, ``plus``, ``length`` and ``truncated`` (FASTQ).
    """

    def __init__(self, kind: str, mark: int) -> None:
        self._take: Callable[[int], None] = {
            "end-byte": self._end_byte,
            "csv": self._csv,
            "fasta": self._fasta,
            "fastq": self._fastq,
        }[kind]
        self._kind = kind
        self._mark = mark
        self.records = 0
        self.position = 0
        self.last = -1
        self._damage = ""
        self.damage_at = 0
        self._is_quoted = False
        self._has_closed = False
        self._opened_at = 0
        self._start = b""
        """The first bytes of the stream, as long as they may be a byte order mark."""
        self._line = bytearray()
        self._line_number = 0
        self._sequence_length = 0
        self._record_start = 0

    @property
    def damage(self) -> str:
        """Return the name of the broken rule, or an empty string."""
        return self._damage

    def scan(self, data: bytes, most: int) -> int:
        """Scan a chunk up to the end of record number ``most``. Return the number of bytes scanned.

        Scan the whole chunk if that record does not end in it. Scan nothing after damage.
        """
        for at, byte in enumerate(data):
            if self.damage or (self.records == most and self._begins_record(byte)):
                return at
            self._take(byte)
            self.last = byte
            self.position += 1
        return len(data)

    def scan_file(self, fd: int, offset: int, length: int, most: int) -> int:
        """Scan a range of a file as ``scan`` does. The range ends at the end of the file at the latest."""
        scanned = 0
        for piece in pieces(fd, offset, length):
            used = self.scan(piece, most)
            scanned += used
            if used < len(piece):
                break
        return scanned

    def end(self) -> None:
        """Report a record that the end of the stream cuts off, in ``damage``."""
        if self._kind == "fastq" and self._line and not self.damage:
            self._take_line(self.position)
        if self.damage:
            return
        if self._kind == "csv" and self._is_quoted:
            self._spoil("unterminated", self._opened_at)
        elif self._kind == "fastq" and self._line_number % 4:
            self._spoil("truncated", self._record_start)

    def _begins_record(self, byte: int) -> bool:
        """Return whether a record begins with this byte. In FASTA, only the next header shows where a record ends."""
        return self._kind != "fasta" or self._is_header(byte)

    def _is_header(self, byte: int) -> bool:
        return byte in b">;" and self.last in (-1, _LF)

    def _spoil(self, damage: str, at: int) -> None:
        self._damage = damage
        self.damage_at = at

    def _end_byte(self, byte: int) -> None:
        self.records += byte == self._mark

    def _csv(self, byte: int) -> None:
        if self.position < len(_MARK) and len(self._start) == self.position:
            self._start += bytes((byte,))
        if self._is_quoted:
            if byte == _QUOTE:
                self._is_quoted, self._has_closed = False, True
            return
        if byte == _QUOTE:
            is_after_mark = self.position == len(_MARK) and self._start == _MARK
            if not (self._has_closed or self.last in (-1, _LF, self._mark) or is_after_mark):
                self._spoil("quote", self.position)
                return
            self._is_quoted = True
            self._opened_at = self.position
        elif self._has_closed and byte not in (self._mark, _LF, _CR):
            self._spoil("close", self.position)
        elif byte == _LF:
            self.records += 1
        self._has_closed = False

    def _fasta(self, byte: int) -> None:
        self.records += self._is_header(byte) or self.last == -1

    def _fastq(self, byte: int) -> None:
        if byte == _LF:
            self._take_line(self.position)
        else:
            self._line.append(byte)

    def _take_line(self, end: int) -> None:
        line = bytes(self._line)
        start = end - len(line)
        line = line.removesuffix(b"\r")
        self._line.clear()
        step = self._line_number % 4
        self._line_number += 1
        if step == 0:
            self._record_start = start
            if not line:
                self._spoil("blank", start)
            elif not line.startswith(b"@"):
                self._spoil("header", start)
        elif step == 1:
            self._sequence_length = len(line)
            if line.startswith((b"@", b"+")):
                self._spoil("sequence", start)
        elif step == 2:
            if not line.startswith(b"+"):
                self._spoil("plus", start)
        else:
            self.records += 1
            if len(line) != self._sequence_length:
                self._spoil("length", start)
