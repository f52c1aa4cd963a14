from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.job_pages import job_spec_page, states_page
from kubemr_shell.job.mappings import DataclassShape
from kubemr_shell.job.spec import SPEC, description
from kubemr_shell.job.state import JOB_TRANSITIONS, TASK_TRANSITIONS

ROOT = Path(__file__).parents[2]
FILES = ("docs/commands.md", "docs/job-spec.md", "docs/states.md", "protocol/job.schema.json")


def field_paths(mapping: DataclassShape, prefix: str = "") -> list[str]:
    paths = []
    for name, shape in mapping.shapes.items():
        paths += field_paths(shape, f"{prefix}{name}.") if isinstance(shape, DataclassShape) else [prefix + name]
    return paths


def rows() -> dict[str, list[str]]:
    """The cells of each field's row."""
    lines = [line for line in job_spec_page().splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0].strip("` "): row[1:] for row in cells}


def test_every_field_has_a_row_with_its_type_its_default_and_its_description() -> None:
    table = rows()
    for path in field_paths(SPEC):
        kind, _, text = table[path]
        assert kind
        assert text == description(path)
    assert table["maxAttempts"][1] == "`4`"
    assert table["key.separator"][1] == '`"\\t"`'
    assert table["split.maxBytes"][:2] == ["bytes, such as `64Mi`", "`64Mi`"]
    assert table["keepTmp"][1] == "false"
    assert table["okExitCodes"][1] == "`[0]`"
    assert table["partitions"][1] == "replicas if set, else the slots"


@pytest.mark.parametrize("path", field_paths(SPEC))
def test_a_description_is_a_short_sentence_or_more(path: str) -> None:
    text = description(path)
    assert text[0].isupper() or text.startswith("auto")
    assert text.endswith(".")
    assert len(text) < 250
    assert "|" not in text
    assert "\n" not in text


def test_the_diagrams_have_an_arrow_for_every_transition() -> None:
    page = states_page()
    drawn = re.findall(r"^    (\S+) --> (\S+): (.*)$", page, re.MULTILINE)
    jobs = [(state or "[*]", to, event) for state, row in JOB_TRANSITIONS.items() for event, to in row.items()]
    tasks = [(state, to, event) for state, row in TASK_TRANSITIONS.items() for event, to in row.items()]
    assert drawn == [*jobs, *tasks]


def generate(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of the generator in another tree."""
    (root / "docs").mkdir(exist_ok=True)
    (root / "protocol").mkdir(exist_ok=True)
    for name in ("generate.py", "commands_page.py", "job_pages.py"):
        (root / "docs" / name).write_text((ROOT / "docs" / name).read_text())
    return subprocess.run(
        [sys.executable, "-m", "docs.generate", *arguments], cwd=root, capture_output=True, text=True, check=False
    )


@pytest.mark.lengthy
def test_the_generator_writes_what_is_missing_and_names_what_is_stale(tmp_path: Path) -> None:
    missing = generate(tmp_path, "--check")
    assert missing.returncode == 1
    named = [line.split()[0] for line in missing.stderr.splitlines()]
    assert [name for name in named if not name.startswith("deploy/")] == list(FILES)
    assert generate(tmp_path).returncode == 0
    assert generate(tmp_path, "--check").returncode == 0
    (tmp_path / "docs/states.md").write_text("old\n")
    stale = generate(tmp_path, "--check")
    assert (stale.returncode, stale.stderr) == (1, "docs/states.md is stale: run make generate\n")


def test_the_generator_says_how_it_is_called(tmp_path: Path) -> None:
    wrong = generate(tmp_path, "--help")
    assert (wrong.returncode, wrong.stderr) == (2, "usage: python -m docs.generate [--check]\n")
