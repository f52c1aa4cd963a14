"""The shapes of mappings with known fields: the parts of the document, and the dataclasses of the spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, Protocol

from kubemr_shell.job.names import file_name
from kubemr_shell.job.report import Report, below, kind, shown
from kubemr_shell.job.shape import Schema, Shape


class Rule(Protocol):
    """A rule for several fields of one mapping."""

    def check(self, given: Mapping[str, Any], path: str, report: Report) -> None:
        """Report a broken rule. ``given`` has the checked values of the mapping, by their names in YAML."""
        ...

    def schema(self) -> Schema:
        """Return the rule as JSON Schema."""
        ...


class Excludes(Rule):
    """A rule that forbids some fields if another field has a certain value."""

    def __init__(self, field: str, value: object, others: tuple[str, ...], why: str) -> None:
        self._field = field
        self._value = value
        self._others = others
        self._why = why

    def check(self, given: Mapping[str, Any], path: str, report: Report) -> None:
        if given.get(self._field) == self._value:
            for other in self._others:
                if other in given:
                    report.add(below(path, other), self._why)

    def schema(self) -> Schema:
        present = [{"required": [other]} for other in self._others]
        return {
            "not": {"properties": {self._field: {"enum": [self._value]}}, "required": [self._field], "anyOf": present}
        }


class AtMostOneOf(Rule):
    """A rule that forbids two fields together."""

    def __init__(self, first: str, second: str, why: str) -> None:
        self._names = (first, second)
        self._why = why

    def check(self, given: Mapping[str, Any], path: str, report: Report) -> None:
        if all(name in given for name in self._names):
            report.add(below(path, self._names[1]), self._why)

    def schema(self) -> Schema:
        return {"not": {"required": list(self._names)}}


class HasEffectWith(Rule):
    """A rule that forbids some fields unless another field has one of certain values."""

    def __init__(self, names: tuple[str, ...], field: str, values: tuple[object, ...], why: str) -> None:
        self._names = names
        self._field = field
        self._values = values
        self._why = why

    def check(self, given: Mapping[str, Any], path: str, report: Report) -> None:
        if given.get(self._field) not in self._values:
            for name in self._names:
                if name in given:
                    report.add(below(path, name), self._why)

    def schema(self) -> Schema:
        has_value = {"properties": {self._field: {"enum": list(self._values)}}, "required": [self._field]}
        present = [{"required": [name]} for name in self._names]
        return {"anyOf": [has_value, {"not": {"anyOf": present}}]}


class NeedsOneOf(Rule):
    """A rule that demands at least one of some fields."""

    def __init__(self, names: tuple[str, ...], why: str) -> None:
        self._names = names
        self._why = why

    def check(self, given: Mapping[str, Any], path: str, report: Report) -> None:
        if not any(name in given for name in self._names):
            report.add(below(path, self._names[0]), self._why)

    def schema(self) -> Schema:
        return {"anyOf": [{"required": [name]} for name in self._names]}


class DistinctNames(Rule):
    """A rule that demands different file names, because the files go to one folder. JSON Schema cannot express it."""

    def __init__(self, *fields: str) -> None:
        self._fields = fields

    def check(self, given: Mapping[str, Any], path: str, report: Report) -> None:
        first: dict[str, str] = {}
        for field in self._fields:
            for index, item in enumerate(given.get(field, ())):
                where = f"{below(path, field)}[{index}]"
                name = file_name(item) if isinstance(item, str) else where
                if first.setdefault(name, where) != where:
                    report.add(where, f"has the name {shown(name)} in the attempt's folder, as {first[name]} has")

    def schema(self) -> Schema:
        return {}


class Object(Shape):
    """A mapping with known fields.

    ``required`` has the advice for each required field that is missing. Fields in ``ignored`` may have any value.
    """

    def __init__(
        self,
        shapes: Mapping[str, Shape],
        *,
        required: Mapping[str, str] | None = None,
        ignored: tuple[str, ...] = (),
        rules: tuple[Rule, ...] = (),
    ) -> None:
        self.shapes = shapes
        self._required = required or {}
        self._ignored = ignored
        self._rules = rules

    def check(self, value: object, path: str, report: Report) -> Any:
        if not isinstance(value, Mapping):
            report.add(path, f"must be a mapping with {', '.join(self._required or self.shapes)}; {kind(value)}")
            return {}
        given = {}
        for name, item in value.items():
            if isinstance(name, str) and name in self.shapes:
                given[name] = self.shapes[name].check(item, below(path, name), report)
            elif name not in self._ignored:
                report.add_unknown(path, name, self.shapes)
        for name, what_to_write in self._required.items():
            if name not in value:
                report.add(below(path, name), f"is missing: {what_to_write}")
        for rule in self._rules:
            rule.check(given, path, report)
        return given

    def plain(self, value: Any) -> Any:
        return {name: self.shapes[name].plain(item) for name, item in value.items()}

    def schema(self) -> Schema:
        properties: dict[str, Any] = {name: shape.schema() for name, shape in self.shapes.items()}
        properties |= {name: {} for name in self._ignored}
        schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        if self._required:
            schema["required"] = list(self._required)
        if self._rules:
            schema["allOf"] = [rule_schema for rule in self._rules if (rule_schema := rule.schema())]
        return schema

    def words(self) -> str:
        return f"mapping with {', '.join(self.shapes)}"


class DataclassShape(Object):
    """A dataclass whose fields have the metadata of ``described``."""

    def __init__(self, made: type[Any], *, rules: tuple[Rule, ...] = ()) -> None:
        self.fields = {yaml_name(field.name): field for field in fields(made)}
        required = {name: f"add {name}" for name, field in self.fields.items() if default_of(field) is MISSING}
        shapes = {name: field.metadata["shape"] for name, field in self.fields.items()}
        super().__init__(shapes, required=required, rules=rules)
        self._made = made

    def check(self, value: object, path: str, report: Report) -> Any:
        before = len(report.problems)
        given = super().check(value, path, report)
        if len(report.problems) > before:
            return None
        return self._made(**{self.fields[name].name: item for name, item in given.items()})

    def plain(self, value: Any) -> Any:
        """Return the fields that differ from their defaults. ``check`` makes an equal value of them."""
        given = {name: getattr(value, field.name) for name, field in self.fields.items()}
        return super().plain({name: item for name, item in given.items() if item != default_of(self.fields[name])})

    def schema(self) -> Schema:
        schema = super().schema()
        for name, field in self.fields.items():
            described: Schema = {"description": field.metadata["description"]}
            default = default_of(field)
            if default not in (MISSING, None, (), {}) and not isinstance(self.shapes[name], DataclassShape):
                described["default"] = self.shapes[name].plain(default)
            schema["properties"][name] = described | schema["properties"][name]
        return schema


def described(description: str, shape: Shape, *, unset: str = "") -> dict[str, Any]:
    """Return the metadata of a field: its description, its shape, and the words for its default."""
    return {"description": description, "shape": shape, "unset": unset}


def yaml_name(name: str) -> str:
    """Return the name of a field in YAML: ``map_command`` is ``mapCommand``."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def default_of(field: Field[Any]) -> Any:
    """Return the default of a field, or MISSING if the field is required."""
    return field.default if field.default_factory is MISSING else field.default_factory()
