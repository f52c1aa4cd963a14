"""The shapes that contain several values: lists, commands, and mappings whose names the user chooses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from kubemr_shell.job.report import Report, as_read, below, kind, shown
from kubemr_shell.job.shape import Schema, Shape
from kubemr_shell.job.texts import Text

MOST_VALUES = 10_000
"""The most values in a mapping of any content."""
MOST_LEVELS = 64
"""The most levels of such a mapping."""


class ListOf(Shape):
    """A list of values of one shape. No two values may have the same value in their field ``key``, if it is set."""

    def __init__(self, item: Shape, words: str, *, example: str, key: str = "") -> None:
        self._item = item
        self._words = words
        self._example = example
        self._key = key

    def check(self, value: object, path: str, report: Report) -> Any:
        if not isinstance(value, list | tuple):
            report.add(path, f"must be a list, such as {self._example}, {kind(value)}")
            return ()
        if not value:
            report.add(path, "is empty: list at least one, or remove the line")
        self._report_repeated(value, path, report)
        return tuple(self._item.check(item, f"{path}[{index}]", report) for index, item in enumerate(value))

    def plain(self, value: Any) -> Any:
        return [self._item.plain(item) for item in value]

    def schema(self) -> Schema:
        schema: Schema = {"type": "array", "items": self._item.schema(), "minItems": 1}
        if self._key:
            schema |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self._key]}
        return schema

    def words(self) -> str:
        return self._words

    def _report_repeated(self, items: Sequence[object], path: str, report: Report) -> None:
        first: dict[str, int] = {}
        for index, item in enumerate(items):
            name = item.get(self._key) if self._key and isinstance(item, Mapping) else None
            if isinstance(name, str) and first.setdefault(name, index) != index:
                where = f"{path}[{first[name]}]"
                report.add(f"{path}[{index}].{self._key}", f"{shown(name)} stands in {where} already: remove one")


class CommandLine(Shape):
    """A command: a string for the shell, or a list of words to execute."""

    _BLANK = (r"\S", "must be a command: write one, or remove the line")

    def __init__(self) -> None:
        self._shell = Text(pattern=self._BLANK)
        self._program = Text()
        self._argument = Text(empty=True)

    def check(self, value: object, path: str, report: Report) -> Any:
        if isinstance(value, str):
            return self._shell.check(value, path, report)
        if not isinstance(value, list | tuple):
            report.add(path, f"must be a string (run by sh -c) or a list of strings (executed), {as_read(value)}")
            return value
        if not value:
            report.add(path, "is empty: list a program and its arguments, or remove the line")
        return tuple(
            (self._argument if index else self._program).check(word, f"{path}[{index}]", report)
            for index, word in enumerate(value)
        )

    def plain(self, value: Any) -> Any:
        return value if isinstance(value, str) else list(value)

    def schema(self) -> Schema:
        program, argument = self._program.schema(), self._argument.schema()
        return {
            "oneOf": [
                self._shell.schema(),
                {"type": "array", "minItems": 1, "prefixItems": [program], "items": argument},
            ]
        }

    def words(self) -> str:
        return "string or list of strings"


class TextMap(Shape):
    """A mapping from names that the user chooses to strings."""

    _NAME = Text()
    _VALUE = Text(empty=True)

    def check(self, value: object, path: str, report: Report) -> Any:
        if not isinstance(value, Mapping):
            report.add(path, f"must be a mapping of names to strings, {kind(value)}")
            return value
        for name, text in value.items():
            where = below(path, name if isinstance(name, str) else shown(name))
            self._NAME.check(name, where, report)
            self._VALUE.check(text, where, report)
        return dict(value)

    def plain(self, value: Any) -> Any:
        return dict(value)

    def schema(self) -> Schema:
        return {
            "type": "object",
            "propertyNames": self._NAME.schema(),
            "additionalProperties": self._VALUE.schema(),
        }

    def words(self) -> str:
        return "mapping of names to strings"


class Anything(Shape):
    """A mapping of any content. Only its size, and that JSON can hold the content, are checked."""

    def __init__(self, words: str) -> None:
        self._words = words

    def check(self, value: object, path: str, report: Report) -> Any:
        if not isinstance(value, Mapping):
            report.add(path, f"must be a mapping, {kind(value)}")
            return value
        problems = len(report.problems)
        _check_json(value, path, report)
        return json.loads(json.dumps(value)) if len(report.problems) == problems else value

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> Schema:
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

    def words(self) -> str:
        return self._words


def _check_json(document: object, path: str, report: Report) -> None:
    """Report each value that JSON cannot hold, and a document that is too large.

    The anchors of YAML make documents that have no end, or that are very large when they are written out.
    """
    waiting = [(document, path, 0)]
    seen = 0
    while waiting:
        value, where, level = waiting.pop()
        seen += 1
        if seen + len(waiting) > MOST_VALUES or level > MOST_LEVELS:
            report.add(path, f"holds more than {MOST_VALUES} values or more than {MOST_LEVELS} levels")
            return
        if isinstance(value, Mapping):
            for name, child in value.items():
                if not isinstance(name, str):
                    report.add_unknown(where, name, ())
                waiting.append((child, below(where, name if isinstance(name, str) else shown(name)), level + 1))
        elif isinstance(value, list | tuple):
            waiting.extend((child, f"{where}[{index}]", level + 1) for index, child in enumerate(value))
        elif not _is_json_scalar(value):
            report.add(where, f"must be a string or a number that JSON can hold, {as_read(value)}")


def _is_json_scalar(value: object) -> bool:
    match value:
        case None | bool() | str():
            return True
        case int():
            return -(1 << 63) <= value < 1 << 63
        case float():
            return isfinite(value)
        case _:
            return False
