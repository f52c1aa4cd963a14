"""Tests of the promises that ARCHITECTURE.md and CONTRIBUTING.md make about the tree itself."""

import ast
import re
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
