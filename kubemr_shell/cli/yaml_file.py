"""Reads a YAML file with one document. Errors name the line of the file and show no traceback."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from kubemr_shell import streams
from kubemr_shell.errors import InputNotFound, InvalidSpec, Problem

STDIN = "-"
"""The path that stands for standard input."""
MOST_LEVELS = 100
"""The deepest nesting of a document."""
_TOO_DEEP = Problem(path="", message=f"it has more than {MOST_LEVELS} levels")
# The loader of libyaml, if installed, is ten times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STRING = "tag:yaml.org,2002:str"
# Kubernetes reads dates such as 2026-11-24 and a single = as strings, and so does this module.
_STRINGS_ALL_THE_SAME = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")


def read_yaml(path: str) -> object:
    """Return the document in a file (``-``: stdin).

    Raise InputNotFound if the file cannot be read, and InvalidSpec if it is not YAML or not exactly one document.
    """
    try:
        if path == STDIN:
            return _document(streams.read_all(streams.STDIN), path)
        with open(path, "rb") as file:
            return _document(file.read(), path)
    except OSError as error:
        raise InputNotFound(f"{path}: the job cannot be read: {error.strerror}") from error


def yaml_of_flag(text: str, flag: str) -> object:
    """Parse the value of a flag as YAML, and return the document. Raise InvalidSpec, which names the flag."""
    return _document(text.encode("utf-8", "surrogateescape"), flag)


def _document(data: bytes, source: str) -> object:
    loader = _LOADER(data)
    try:
        _refuse_deep(data, source)
        root = loader.get_single_node()
        if root is None:
            raise InvalidSpec([Problem(path="", message="there is no document in it")], source)
        problems = [problem for node in _nodes(root) for problem in _repeated(node)]
        if problems:
            raise InvalidSpec(problems, source)
        for node in _nodes(root):
            if node.tag in _STRINGS_ALL_THE_SAME:
                node.tag = _STRING
        return loader.construct_document(root)
    except yaml.YAMLError as error:
        raise InvalidSpec([_syntax_problem(error, data)], source) from error
    except (ValueError, LookupError) as error:  # PyYAML reads at most 4300 digits, and trusts tags such as !!int
        message = "a number in it has too many digits, or a value does not fit its tag"
        raise InvalidSpec([Problem(path="", message=message)], source) from error
    finally:
        loader.dispose()


def _refuse_deep(data: bytes, source: str) -> None:
    """Raise InvalidSpec if the nesting is too deep.

    PyYAML's composer is recursive. With libyaml, it dies of a full stack instead of raising an error.
    """
    level = 0
    for event in yaml.parse(data, Loader=_LOADER):
        level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if level > MOST_LEVELS:
            raise InvalidSpec([_TOO_DEEP], source)


def _syntax_problem(error: yaml.YAMLError, data: bytes) -> Problem:
    if "nesting depth" in str(error):  # the limit of PyYAML 6.0.4 and newer, which its scanner may meet first
        return _TOO_DEEP
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Problem(path="", message=f"is not YAML: {' '.join(str(error).split())}")
    where = f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}"
    if "single document" in str(error.context):
        return Problem(path=where, message="another document begins: write one job a file")
    if "mapping values" in str(error.problem):
        hint = "; a text with ': ' in it needs quotes"
    else:
        hint = "; a tab stands there: indent with spaces" if _is_indented_by_tab(data, error.problem_mark.line) else ""
    return Problem(path=where, message=f"is not YAML: {error.problem}{hint}")


def _is_indented_by_tab(data: bytes, number: int) -> bool:
    line = data.split(b"\n")[number : number + 1]
    return any(b"\t" in text[: len(text) - len(text.lstrip(b" \t"))] for text in line)


def _repeated(node: yaml.Node) -> Iterator[Problem]:
    """Yield a problem for each name that a mapping has twice: YAML forbids this, but PyYAML takes the last value."""
    seen: set[str] = set()
    for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                yield Problem(path=f"line {key.start_mark.line + 1}", message=f"{key.value} is repeated: remove one")
            seen.add(key.value)


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Yield every node once, also if anchors make a cycle."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.MappingNode):
            waiting.extend(child for pair in node.value for child in pair)
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
