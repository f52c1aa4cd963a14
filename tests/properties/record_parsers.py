"""Plain parsers of each format of records, which read a whole file from its start."""

from __future__ import annotations

import re


def record_ends(kind: str, content: bytes, argument: bytes = b"") -> set[int]:
    """Return the offsets at which a record ends. Raise ValueError if the content breaks its format."""
    return {
        "nul": lambda: _ends_with(content, b"\0"),
        "separator": lambda: _ends_with(content, argument),
        "bytes": lambda: set(range(int(argument), len(content) + 1, int(argument))),
        "paragraph": lambda: _paragraphs(content),
        "start": lambda: _starts(content, argument),
        "fasta": lambda: _starts(content, rb"^[>;]"),
        "fastq": lambda: _fastq(content),
        "csv": lambda: _csv(content),
        "warc": lambda: _warc(content),
    }[kind]() | {len(content)}


def _ends_with(content: bytes, separator: bytes) -> set[int]:
    ends = set()
    at = 0
    while (at := content.find(separator, at)) >= 0:
        at += len(separator)
        ends.add(at)
    return ends


def _lines(content: bytes) -> list[tuple[int, bytes]]:
    """Return the offset of each line, and the line with its end."""
    at = 0
    lines = []
    for line in re.findall(rb"[^\n]*\n|[^\n]+", content):
        lines.append((at, line))
        at += len(line)
    return lines


def _paragraphs(content: bytes) -> set[int]:
    ends = set()
    has_text = was_blank = False
    for at, line in _lines(content):
        is_blank = line in (b"\n", b"\r\n")
        if has_text and was_blank and not is_blank:
            ends.add(at)
        has_text |= not is_blank
        was_blank = is_blank
    return ends


def _starts(content: bytes, pattern: bytes) -> set[int]:
    return {
        at for at, line in _lines(content) if at and re.search(pattern, line.removesuffix(b"\n").removesuffix(b"\r"))
    }


def _fastq(content: bytes) -> set[int]:
    lines = _lines(content)
    texts = [line.removesuffix(b"\n").removesuffix(b"\r") for _, line in lines]
    if len(lines) % 4:
        raise ValueError("a record is not whole")
    ends = set()
    for number in range(0, len(lines), 4):
        name, bases, plus, quality = texts[number : number + 4]
        if not name.startswith(b"@") or not plus.startswith(b"+") or len(bases) != len(quality):
            raise ValueError("no FASTQ")
        if bases.startswith((b"@", b"+")):
            raise ValueError("no bases")
        ends.add(lines[number][0])
    return ends - {0}


def _csv(content: bytes) -> set[int]:
    field = rb'(?:"(?:[^"]|"")*"(?:\r[^",\n]*)?|[^",\n]*)'  # a lone CR behind a quoted field is no damage
    row = re.compile(field + rb"(?:," + field + rb")*(\r?\n|\Z)")
    ends = set()
    at = 0
    while at < len(content):
        match = row.match(content, at)
        if match is None:
            raise ValueError("no CSV")
        at = match.end()
        ends.add(at)
    return ends


def _warc(content: bytes) -> set[int]:
    ends = set()
    at = 0
    while at < len(content):
        header, found, _ = content[at:].partition(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in header.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        if not found or not header.startswith(b"WARC/") or len(lengths) != 1:
            raise ValueError("no header")
        behind = at + len(header) + 4 + int(lengths[0])
        if content[behind : behind + 4] != b"\r\n\r\n":
            raise ValueError("no end")
        at = behind + 4
        ends.add(at)
    return ends
