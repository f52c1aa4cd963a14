"""The shapes of the values of a spec.

A shape describes the legal values of a field in four ways, side by side so that they agree. It checks a value from YAML
and converts it to a value of the spec. It converts such a value back. It returns its rules as JSON Schema, and as words
for the documentation.

This module has the shapes of single values. ``texts.py`` has the shapes of strings, and ``containers.py`` the shapes
that contain other values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from kubemr_shell.job.quantity import HIGHEST, PATTERN, format_quantity, parse_quantity
from kubemr_shell.job.report import Report, as_read, kind, nearest_of, shown

Schema = dict[str, Any]
"""A JSON Schema."""


class Shape(Protocol):
    """A kind of value."""

    def check(self, value: object, path: str, report: Report) -> Any:
        """Return the value of the spec for a value from YAML. Report every problem.

        The returned value is valid only if no problem was reported.
        """
        ...

    def plain(self, value: Any) -> Any:
        """Return the JSON value for a value of the spec."""
        ...

    def schema(self) -> Schema:
        """Return the rules of the shape as JSON Schema."""
        ...

    def words(self) -> str:
        """Return the rules of the shape in words, for the table of fields."""
        ...


class Choice(Shape):
    """A word of a fixed list."""

    def __init__(self, *choices: str) -> None:
        self._choices = choices

    def check(self, value: object, path: str, report: Report) -> Any:
        if isinstance(value, str) and value in self._choices:
            return value
        wrong = f"not {shown(value)}{nearest_of(value, self._choices)}" if isinstance(value, str) else as_read(value)
        report.add(path, f"must be {_one_of(self._choices)}, {wrong}")
        return value

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> Schema:
        return {"type": "string", "enum": list(self._choices)}

    def words(self) -> str:
        return _one_of([f"`{choice}`" for choice in self._choices])


class Flag(Shape):
    """True or false."""

    def check(self, value: object, path: str, report: Report) -> Any:
        if isinstance(value, bool):
            return value
        report.add(path, f"must be true or false, without quotes, {kind(value)}")
        return None

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> Schema:
        return {"type": "boolean"}

    def words(self) -> str:
        return "true or false"


class Whole(Shape):
    """A whole number within bounds. ``hint`` is added to the message about a number out of bounds."""

    def __init__(self, lowest: int, highest: int, hint: str = "") -> None:
        self._lowest = lowest
        self._highest = highest
        self._hint = hint

    def check(self, value: object, path: str, report: Report) -> Any:
        rule = f"must be a whole number from {self._lowest} to {self._highest}"
        number = whole_number(value)
        if number is None:
            quotes = ": remove the quotes" if isinstance(value, str) and value.isdecimal() else ""
            report.add(path, f"{rule}, {kind(value)}{quotes}")
        elif not self._lowest <= number <= self._highest:
            report.add(path, f"{rule}, not {shown(number)}{self._hint}")
        return number

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self._lowest, "maximum": self._highest}

    def words(self) -> str:
        return f"whole number from {self._lowest} to {self._highest}"


class Quantity(Shape):
    """A number of bytes, at least one, in the notation of Kubernetes."""

    def check(self, value: object, path: str, report: Report) -> Any:
        try:
            count = parse_quantity(value) if isinstance(value, str) else whole_number(value)
        except ValueError as error:
            report.add(path, str(error))
            return None
        if count is None:
            report.add(path, f"must be a number of bytes such as 64Mi, 1Gi or 500M, {kind(value)}")
        elif not 1 <= count <= HIGHEST:
            report.add(path, f"must be at least 1 byte, and less than 8Ei, not {shown(value)}")
        return count

    def plain(self, value: Any) -> Any:
        return format_quantity(value)

    def schema(self) -> Schema:
        text = {
            "type": "string",
            "not": {"pattern": r"\n"},
            "allOf": [{"pattern": PATTERN}, {"pattern": r"^[0-9.]*[1-9]"}],
        }
        return {"oneOf": [{"type": "integer", "minimum": 1, "maximum": HIGHEST}, text]}

    def words(self) -> str:
        return "bytes, such as `64Mi`"


class Constant(Shape):
    """A fixed string."""

    def __init__(self, value: str) -> None:
        self._value = value

    def check(self, value: object, path: str, report: Report) -> Any:
        if value != self._value:
            report.add(path, f"must be {self._value}, not {shown(value)}")
        return value

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> Schema:
        return {"type": "string", "enum": [self._value]}

    def words(self) -> str:
        return f"`{self._value}`"


def whole_number(value: object) -> int | None:
    """The whole number that a value is, if it is one. As in JSON Schema 2.0 is, and true is not."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _one_of(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
