"""Reads a job's YAML file. Only here, so that every command says the same of a file that is no YAML."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

import yaml

from kubemr_shell.errors import InvalidSpec, Problem, UsageError
from kubemr_shell.job.spec import Job
from kubemr_shell.job.validate import load_job

STDIN = "-"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STRING = "tag:yaml.org,2002:str"
# 2026-11-24 and a lone = are strings here, as they are for Kubernetes.
_STRINGS_ALL_THE_SAME = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")


def read_job(path: str, changes: Mapping[str, object] | None = None) -> Job:
    """The job in a file (``-`` is stdin), with some fields of its spec replaced; InvalidSpec has all problems."""
    source = "stdin" if path == STDIN else path
    return load_job(_document(_read(path), source), source, changes)


def _read(path: str) -> bytes:
    if path == STDIN:
        return sys.stdin.buffer.read()
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}: give the path of a job's YAML file, or - for stdin") from error


def _document(data: bytes, source: str) -> object:
    loader = _LOADER(data)
    try:
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
        raise InvalidSpec([_syntax_problem(error)], source) from error
    except RecursionError as error:
        raise InvalidSpec([Problem(path="", message="it is nested too deeply")], source) from error
    except (ValueError, LookupError) as error:  # PyYAML reads no more than 4300 digits, and trusts tags like !!int
        message = "a number in it has too many digits, or a value does not fit its tag"
        raise InvalidSpec([Problem(path="", message=message)], source) from error
    finally:
        loader.dispose()


def _syntax_problem(error: yaml.YAMLError) -> Problem:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Problem(path="", message=f"is not YAML: {' '.join(str(error).split())}")
    where = f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}"
    if "single document" in str(error.context):
        return Problem(path=where, message="another document begins: write one job a file")
    hint = "; a text with ': ' in it needs quotes" if "mapping values" in str(error.problem) else ""
    return Problem(path=where, message=f"is not YAML: {error.problem}{hint}")


def _repeated(node: yaml.Node) -> Iterator[Problem]:
    """Names that stand twice in a mapping: YAML forbids it, PyYAML takes the last one."""
    seen: set[str] = set()
    for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                yield Problem(path=f"line {key.start_mark.line + 1}", message=f"{key.value} stands twice: remove one")
            seen.add(key.value)


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Every node once, also where anchors make a circle."""
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
