"""The stub of the native module says what the reference has: the same names, the same arguments."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from kubemr_shell import engine
from kubemr_shell.engine import reference

STUB = ast.parse((Path(engine.__file__).parent / "_native.pyi").read_text(encoding="utf-8"))
CLASSES = [node for node in STUB.body if isinstance(node, ast.ClassDef)]


def arguments_of(function: ast.FunctionDef) -> list[str]:
    names = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [name.arg for name in names]


CALLS = {node.name: arguments_of(node) for node in STUB.body if isinstance(node, ast.FunctionDef)} | {
    f"{owner.name}.{node.name}": arguments_of(node)
    for owner in CLASSES
    for node in owner.body
    if isinstance(node, ast.FunctionDef) and not node.decorator_list
}


def test_the_stub_has_what_the_engine_offers() -> None:
    functions = {name for name in CALLS if "." not in name}
    assert {owner.name for owner in CLASSES} | functions == set(engine.__all__) - {"compiled"}


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_call_takes_the_same_arguments_in_both(name: str) -> None:
    target: object = reference
    for part in name.split("."):
        target = getattr(target, part)
    assert callable(target)
    assert list(inspect.signature(target).parameters) == CALLS[name]
