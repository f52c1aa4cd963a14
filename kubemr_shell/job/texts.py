"""The shapes of strings: plain strings, and the separator of keys."""

from __future__ import annotations

import re
from typing import Any

from kubemr_shell.job.report import Report, as_read, shown
from kubemr_shell.job.shape import Schema, Shape

LINE_END = (r"\n", "must stand on one line")
"""The pattern of a line end, and the message for texts that have one."""
HALF_CHARACTER = "holds half of a surrogate pair, which is no character"
"""The message for a string that cannot be written as UTF-8."""


class Text(Shape):
    """A string without NUL. It must match ``pattern`` and must not match ``refused``; each comes with its message.

    A pattern that ends with ``$`` also needs ``refused=LINE_END``: in Python, ``$`` matches before a last line end.
    """

    def __init__(
        self,
        words: str = "string",
        *,
        empty: bool = False,
        longest: int | None = None,
        pattern: tuple[str, str] | None = None,
        refused: tuple[str, str] | None = None,
    ) -> None:
        self._words = words
        self._empty = empty
        self._longest = longest
        self._pattern = pattern
        self._refused = refused

    def check(self, value: object, path: str, report: Report) -> Any:
        if not isinstance(value, str):
            report.add(path, f"must be a string, {as_read(value)}")
        elif not value and not self._empty:
            report.add(path, "is empty: give a value, or remove the line")
        elif "\0" in value:
            report.add(path, "holds a NUL character, which no file name, argument or variable can hold")
        elif has_half_character(value):
            report.add(path, HALF_CHARACTER)
        elif self._longest is not None and len(value) > self._longest:
            report.add(path, f"is {len(value)} characters long: at most {self._longest} are allowed")
        elif self._pattern and not re.search(self._pattern[0], value):
            report.add(path, f"{self._pattern[1]}, not {shown(value)}")
        elif self._refused and re.search(self._refused[0], value):
            report.add(path, f"{self._refused[1]}, not {shown(value)}")
        return value

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> Schema:
        refused = r"\x00" if self._refused is None else rf"\x00|{self._refused[0]}"
        schema: Schema = {"type": "string", "not": {"pattern": refused}}
        if not self._empty:
            schema["minLength"] = 1
        if self._longest is not None:
            schema["maxLength"] = self._longest
        if self._pattern:
            schema["pattern"] = self._pattern[0]
        return schema

    def words(self) -> str:
        return self._words


class GroupPattern(Text):
    """A regular expression of Python that has a group."""

    def check(self, value: object, path: str, report: Report) -> Any:
        before = len(report.problems)
        text = super().check(value, path, report)
        if len(report.problems) > before:
            return text
        try:
            groups = re.compile(text).groups
        except (re.error, OverflowError, RecursionError) as error:
            report.add(path, f"is no regular expression of Python ({error}): {shown(text)}")
        else:
            if not groups:
                report.add(
                    path,
                    f"has no group, not {shown(text)}: put the part of the name that the files of a task share into "
                    "parentheses",
                )
        return text


class Separator(Shape):
    """Bytes, which YAML writes as the string with this UTF-8 encoding."""

    # In single quotes, '\t' is a backslash and a t. Nobody means this, and every line would be all key.
    _REFUSED = r"\n|^\\t$"

    def check(self, value: object, path: str, report: Report) -> Any:
        if not isinstance(value, str):
            report.add(path, f"must be a string, {as_read(value)}")
        elif not value:
            report.add(path, "is empty: write at least one character; a tab is the default")
        elif value == "\\t":
            report.add(path, 'is a backslash and a t; for a tab write "\\t", in double quotes')
        elif "\n" in value:
            report.add(path, f"must not hold a line end, which is where records end, not {shown(value)}")
        elif has_half_character(value):
            report.add(path, HALF_CHARACTER)
        else:
            return value.encode("utf-8", "surrogateescape")
        return value

    def plain(self, value: Any) -> Any:
        return value.decode("utf-8", "surrogateescape")

    def schema(self) -> Schema:
        return {"type": "string", "minLength": 1, "not": {"pattern": self._REFUSED}}

    def words(self) -> str:
        return "string"


def has_half_character(text: str) -> bool:
    """Return whether a text has surrogates that do not stand for bytes of a file name (PEP 383)."""
    return not text.isascii() and re.search("[\ud800-\udc7f\udd00-\udfff]", text) is not None
