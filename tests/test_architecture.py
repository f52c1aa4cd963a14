"""Tests of the promises that ARCHITECTURE.md and CONTRIBUTING.md make about the tree itself."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("kubemr_shell", "tests", "benchmarks", "docs", "examples", "images", "protocol")
CODE = [
    path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".pyi", ".cpp", ".hpp"} and ".data" not in path.parts and "__pycache__" not in path.parts
]
VAGUE = {"utils", "util", "helpers", "common", "misc", "base", "core", "manager"}
LONGEST_FILE = 400
LONGEST_ARCHITECTURE = 150


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CODE, ids=relative)
def test_a_file_has_at_most_400_lines_and_a_name_that_says_what_it_is(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE
    assert path.stem not in VAGUE


@pytest.mark.parametrize("path", sorted((ROOT / "kubemr_shell").rglob("*.py")), ids=relative)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert path.read_text().lstrip().startswith('"""')


def test_only_a_run_speaks_of_its_own_flags() -> None:
    """Pods print the messages of the other parts too. ``worker.advice`` adds the advice for each place."""
    flags = re.compile("--(resume|overwrite)")
    found = [relative(path) for path in CODE if flags.search(path.read_text())]
    places = tuple(f"kubemr_shell/{part}/" for part in ("cli", "local_run", "outputs", "job_folder"))
    assert [path for path in found if path.startswith("kubemr_shell/") and not path.startswith(places)] == []


def test_architecture_fits_on_a_page_and_names_every_part() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    assert len(text.splitlines()) <= LONGEST_ARCHITECTURE
    parts = {path.stem for path in (ROOT / "kubemr_shell").iterdir() if not path.name.startswith(("_", "py.typed"))}
    assert {part for part in parts if not re.search(rf"\b{part}\b", text)} == set()


def test_architecture_names_only_files_that_exist() -> None:
    named = set(re.findall(r"`([\w-]+(?:/[\w.-]+)+)`", (ROOT / "ARCHITECTURE.md").read_text()))
    assert {
        name for name in named if not any((place / name).exists() for place in (ROOT, ROOT / "kubemr_shell"))
    } == set()


def test_the_tree_of_errors_has_each_of_them() -> None:
    from kubemr_shell import errors

    names = [name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)]
    assert [name for name in names if not re.search(rf"\b{name}\b", errors.__doc__ or "")] == []


def test_every_command_is_in_the_readme() -> None:
    from kubemr_shell.cli.main import COMMANDS, HIDDEN

    text = (ROOT / "README.md").read_text()
    assert [name for name in COMMANDS if f"kubemr-shell {name}" not in text and name not in HIDDEN] == []


def test_every_setting_is_documented() -> None:
    from dataclasses import fields

    from kubemr_shell.settings import Settings

    text = (ROOT / "README.md").read_text()
    names = [f"KUBEMR_{field.name.upper()}" for field in fields(Settings) if field.name != "state_home"]
    assert [name for name in names if name not in text] == []


RIDDLES = frozenset({"What", "Of", "Those", "That", "Whose", "How", "Where", "Which"})
PYTHON = [path for path in CODE if path.suffix == ".py"]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *(page for folder in ("docs", "protocol", "images") for page in sorted((ROOT / folder).rglob("*.md"))),
    *sorted((ROOT / "examples").glob("**/README.md")),
]
LONGEST_LINE = 120


@pytest.mark.parametrize("path", PYTHON, ids=relative)
def test_a_docstring_does_not_begin_like_a_riddle(path: Path) -> None:
    """CONTRIBUTING.md has the rules of writing. This test holds the mechanical part of them."""
    texts = [
        node.value.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    assert [text[:60] for text in texts if re.split(r"\W", text.strip(), maxsplit=1)[0] in RIDDLES] == []


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_a_line_of_markdown_fits_into_120_columns(page: Path) -> None:
    """Rows of tables cannot be broken."""
    lines = [line for line in page.read_text().splitlines() if not line.lstrip().startswith("|")]
    assert [line for line in lines if len(line) > LONGEST_LINE] == []


MODULES = [path for path in sorted((ROOT / "kubemr_shell").rglob("*.py")) if path.name != "__main__.py"]


def _definitions(body: list[ast.stmt], outer: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """Yield the public functions and classes of a module or a class, with their dotted names."""
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        if not any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in node.decorator_list):
            yield outer + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from _definitions(node.body, f"{outer}{node.name}.")


def _has_documented_interface(module: str, name: str) -> bool:
    """Return whether a base class or a Protocol of the method's class documents the method."""
    owner: object = importlib.import_module(module)
    *classes, method = name.split(".")
    for part in classes:
        owner = getattr(owner, part)
    bases = owner.__mro__[1:] if isinstance(owner, type) else ()
    found = [
        vars(base)[method] for base in bases if base.__module__.startswith("kubemr_shell") and method in vars(base)
    ]
    return any(getattr(one, "__func__", one).__doc__ for one in found)


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_function_and_a_class_has_a_docstring_or_an_interface_that_has_one(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    bare = [name for name, node in _definitions(ast.parse(path.read_text()).body) if not ast.get_docstring(node)]
    assert [name for name in bare if not _has_documented_interface(module, name)] == []


def _undocumented_constants(path: Path) -> Iterator[str]:
    """Yield the constants that have no string below, no comment beside, and none above them or above their block."""
    text = path.read_text()
    lines, body = text.splitlines(), ast.parse(text).body
    headed = 0
    """The number of the last line of a block of assignments that has a comment above it."""
    for node, after in zip(body, [*body[1:], ast.Pass()], strict=True):
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        above = lines[node.lineno - 2].startswith("#")
        if above or headed == node.lineno - 1:
            headed = node.end_lineno or 0
            continue
        is_type_variable = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "TypeVar"
        is_documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if is_type_variable or is_documented or "  # " in lines[node.lineno - 1]:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        yield from (name for name in names if not name.startswith("_"))


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_constant_says_what_it_is(path: Path) -> None:
    assert list(_undocumented_constants(path)) == []
