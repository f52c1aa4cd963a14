"""The format of the input records: its value in a spec, and the shape of this value in YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from kubemr_shell.job.report import Report, as_read, below, kind, nearest_of, shown
from kubemr_shell.job.shape import Schema, Shape, Whole
from kubemr_shell.job.texts import HALF_CHARACTER, has_half_character

Kind: TypeAlias = Literal["lines", "nul", "paragraph", "csv", "fasta", "fastq", "warc", "separator", "start", "bytes"]
"""The name of a format."""
WORDS: tuple[Kind, ...] = ("lines", "nul", "paragraph", "csv", "fasta", "fastq", "warc")
"""The formats that need no argument, so that a word names them."""
LONGEST_RECORD = 1 << 30
"""The largest size in bytes of a record of fixed size."""
LONGEST_SEPARATOR = 4096
"""The largest size in bytes of a separator of records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """A format of records. An attribute that the format does not use is empty or 0."""

    kind: Kind = "lines"
    separator: bytes = b""
    """The bytes that end a record (``separator``), or the delimiter of fields (``csv``)."""
    start: str = ""
    """The regular expression that the first line of a record matches (``start``)."""
    size: int = 0
    """The size of a record in bytes (``bytes``)."""


LINES = Records()
"""The format of inputs whose records are lines."""
CSV = Records(kind="csv", separator=b",")
"""The format of CSV with commas."""


DESCRIPTION = (
    "The format of the records of the inputs. Inputs are cut only between records. A word names a format; a mapping "
    'also gives its argument, such as {separator: "$$$$\\n"}, {start: "^BEGIN "}, {bytes: 512} or {csv: ";"}. '
    "See docs/inputs.md."
)
"""The description of the field ``records`` of a spec."""


UNSET = "lines; if a file that would be cut looks like another format, the job fails"
"""The meaning of a job without the field ``records``."""


class RecordsShape(Shape):
    """A word that names a format, or a mapping of one name to the argument of that format."""

    _SIZE = Whole(1, LONGEST_RECORD)
    _EXAMPLES = '{separator: "$$$$\\n"}, {start: "^BEGIN "}, {bytes: 512} or {csv: ";"}'

    def check(self, value: object, path: str, report: Report) -> Any:
        if isinstance(value, str):
            return self._of_word(value, path, report)
        if not isinstance(value, Mapping):
            report.add(path, f"must be {', '.join(WORDS)}, or a mapping such as {self._EXAMPLES}, {kind(value)}")
            return LINES
        if len(value) != 1:
            report.add(path, f"must have one name, as in {self._EXAMPLES}")
            return LINES
        ((name, argument),) = value.items()
        where = below(path, name if isinstance(name, str) else shown(name))
        match name:
            case "separator":
                return Records(kind="separator", separator=self._separator(argument, where, report))
            case "start":
                return Records(kind="start", start=self._start(argument, where, report))
            case "bytes":
                return Records(kind="bytes", size=self._SIZE.check(argument, where, report) or 0)
            case "csv":
                return Records(kind="csv", separator=self._delimiter(argument, where, report))
        report.add(path, f"has no format {shown(name)}: write {', '.join(WORDS)}, or {self._EXAMPLES}")
        return LINES

    def plain(self, value: Any) -> Any:
        match value.kind:
            case "separator":
                return {"separator": value.separator.decode("utf-8", "surrogateescape")}
            case "start":
                return {"start": value.start}
            case "bytes":
                return {"bytes": value.size}
            case "csv" if value != CSV:
                return {"csv": value.separator.decode()}
        return value.kind

    def schema(self) -> Schema:
        properties = {
            "separator": {
                "type": "string",
                "minLength": 1,
                "maxLength": LONGEST_SEPARATOR,
                "not": {"pattern": r"\\n"},
            },
            "start": {"type": "string", "minLength": 1},
            "bytes": self._SIZE.schema(),
            "csv": {"type": "string", "pattern": r"^[\x00-\x7f]$", "not": {"enum": ['"', "\n", "\r"]}},
        }
        mapping = {"type": "object", "properties": properties, "additionalProperties": False}
        return {
            "oneOf": [
                {"type": "string", "enum": list(WORDS)},
                mapping | {"minProperties": 1, "maxProperties": 1},
            ]
        }

    def words(self) -> str:
        return f"{', '.join(f'`{word}`' for word in WORDS)}, or `separator`, `start`, `bytes` or `csv` with a value"

    def _of_word(self, value: str, path: str, report: Report) -> Records:
        for word in WORDS:
            if value == word:
                return CSV if word == "csv" else Records(kind=word)
        example = {"separator": '{separator: "$$$$\\n"}', "start": '{start: "^BEGIN "}', "bytes": "{bytes: 512}"}
        wanted = example.get(value, f"{', '.join(WORDS)}, or a mapping such as {self._EXAMPLES}")
        report.add(path, f"must be {wanted}, not {shown(value)}{nearest_of(value, WORDS)}")
        return LINES

    def _separator(self, value: object, path: str, report: Report) -> bytes:
        text = self._text(value, path, report, empty="is empty: write the bytes that end a record")
        encoded = text.encode("utf-8", "surrogateescape")
        if "\\n" in text:
            report.add(path, 'has a backslash and an n; for a line end write "\\n", in double quotes')
        elif len(encoded) > LONGEST_SEPARATOR:
            report.add(path, f"has {len(encoded)} bytes: at most {LONGEST_SEPARATOR} are allowed")
        else:
            return encoded
        return b""

    def _start(self, value: object, path: str, report: Report) -> str:
        empty = "is empty: write the regular expression that the first line of a record matches"
        text = self._text(value, path, report, empty=empty)
        try:
            re.compile(text.encode("utf-8", "surrogateescape"))
        except (re.error, OverflowError, RecursionError) as error:
            report.add(path, f"is no regular expression of Python ({error}): {shown(text)}")
            return ""
        return text

    def _text(self, value: object, path: str, report: Report, *, empty: str) -> str:
        """Return a string. Report anything else, or the message ``empty``, and return an empty string then."""
        if not isinstance(value, str):
            report.add(path, f"must be a string, {as_read(value)}")
        elif not value:
            report.add(path, empty)
        elif has_half_character(value):
            report.add(path, HALF_CHARACTER)
        else:
            return value
        return ""

    def _delimiter(self, value: object, path: str, report: Report) -> bytes:
        if isinstance(value, str) and len(value) == 1 and value.isascii() and value not in '"\n\r':
            return value.encode()
        wrong = f"not {shown(value)}" if isinstance(value, str) else as_read(value)
        report.add(path, f"must be one ASCII character between fields, neither a quote nor a line end, {wrong}")
        return b","


def records_of_flag(text: str) -> object:
    """Return the value that YAML has for the text of ``--records``: a word, or NAME=VALUE with escapes like ``\\n``.

    The caller parses a text in YAML, such as ``{bytes: 512}``.
    """
    name, equals, value = text.partition("=")
    if not equals or name not in ("separator", "start", "bytes", "csv"):
        return text
    if name == "bytes":
        return {name: int(value) if value.isdecimal() else value}
    return {name: value if name == "start" else _unescaped(value)}


def _unescaped(text: str) -> str:
    r"""Replace ``\n``, ``\r``, ``\t``, ``\0``, ``\\`` and ``\xHH`` (up to 7F) by the bytes that they stand for."""
    short = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\"}

    def byte_of(match: re.Match[str]) -> str:
        return short.get(match[1]) or chr(int(match[1][1:], 16))

    return re.sub(r"\\([nrt0\\]|x[0-7][0-9A-Fa-f])", byte_of, text)
