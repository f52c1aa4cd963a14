"""Recognises by the first bytes of a file that a record has several lines. Pure.

A job without the field ``records`` reads lines. If such a job cut a FASTQ file between any two lines, the command would
get parts of records, and the result would be wrong without an error. So a file of a known format is only cut if the job
names a format, which may be ``lines``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubemr_shell.inputs.file_kind import is_named_csv
from kubemr_shell.shown import shown

HEAD_BYTES = 64 << 10
"""The number of first bytes that show a format of records."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """A format that the first bytes of a file show."""

    description: str
    """The sign of the format, as the end of a sentence that begins with the name of the file."""
    records: str
    """The value of ``--records`` for this format. ``lines`` if no other format was recognised."""


_RESIDUES = rb"[A-Za-z*.-]"
"""The characters of a nucleic acid or a protein."""
_LONG = rb"{1000,}"
_SIGNS = (
    (re.compile(rb"WARC/[01]\."), Recognised("looks like a WARC file", "warc")),
    (
        # A read can be longer than the head, so a long enough sequence shows the format too.
        re.compile(rb"@[^\n]*\n(?:(?:%s*\r?\n)+\+[^\n]*\n|%s%s\Z)" % (_RESIDUES, _RESIDUES, _LONG)),
        Recognised("looks like FASTQ", "fastq"),
    ),
    (
        re.compile(rb"(?:;[^\n]*\n)*(?:>\S[^\n]*\n)+(?:%s+\r?\n|%s%s\Z)" % (_RESIDUES, _RESIDUES, _LONG)),
        Recognised("looks like FASTA", "fasta"),
    ),
    (
        # A quotation in a mail begins so too, but its second line is not one word in capital letters.
        re.compile(rb"(?:;[^\n]*\n)*>[ \t][^\n]*\n[A-Z*-]+\r?\n"),
        Recognised("looks like FASTA", "fasta"),
    ),
    (re.compile(rb"From [^\n]*\n[A-Za-z-]+: "), Recognised("looks like a mailbox", "start=^From ")),
    (re.compile(rb"LOCUS {6}"), Recognised("looks like a GenBank file", r"separator=//\n")),
    (re.compile(rb"(?s).*?\n\$\$\$\$\n"), Recognised("looks like an SDF file", r"separator=$$$$\n")),
    (re.compile(rb"(?s).*?\n\$\$\$\$\r\n"), Recognised("looks like an SDF file", r"separator=$$$$\r\n")),
)
MAY_BE_LINES = Recognised("looks like lines", "lines")
"""The result for a file whose records may be lines."""
NUL = Recognised("has NUL bytes, ends with a NUL byte", "nul")
"""The result for a file whose records end with NUL if its last byte is NUL too. Lines may hold any number of NULs."""
_CSV = Recognised("has line ends within quotes", "csv")


def recognised(head: bytes, name: str) -> Recognised:
    """Return the format that the first HEAD_BYTES bytes of a file show, or MAY_BE_LINES if its records may be lines.

    ``name`` is the name of the file. CSV is recognised only in a file with the suffix .csv, because in other texts a
    quotation may go over several lines.
    """
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    for sign, found in _SIGNS:
        if sign.match(text):
            return found
    if is_named_csv(name) and any(b"\n" in field for field in head.split(b'"')[1::2]):
        return _CSV
    return NUL if b"\0" in head else MAY_BE_LINES


def refusal(found: Recognised, name: str) -> str:
    """Return the message for a file that would be cut between any two lines, although a record has several lines."""
    return (
        f"{shown(name)}: {found.description} and would be cut between any two lines: name the format of the records "
        f"with --records '{found.records}' (records in a YAML), or --records lines if each line is a record"
    )
