"""Tests that the recipes for map tasks in docs/inputs.md give the right results."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.user_shell import in_shell

PAGE = Path(__file__).parents[2] / "docs" / "inputs.md"
SECTION = PAGE.read_text(encoding="utf-8").partition("\n## Tasks\n")[2].partition("\n## ")[0]
RECIPES = re.findall(r"^```\n(.*?)^```$", SECTION, re.DOTALL | re.MULTILINE)
EXPECTED = (["1 a.txt", "2 b.txt", "3 c.txt"], ["ada: 3 letters", "grace: 5 letters"], ["1+2", "3+4"], ["1+2", "3+4"])


def write_inputs(folder: Path) -> None:
    (folder / "small").mkdir()
    for count, name in enumerate("abc", start=1):
        (folder / "small" / f"{name}.txt").write_text("x\n" * count)
    (folder / "reads").mkdir()
    for number, name in enumerate(("s1_R1", "s1_R2", "s2_R1", "s2_R2"), start=1):
        (folder / "reads" / f"{name}.fq").write_text(f"{number}\n")
    (folder / "names.txt").write_text("ada\ngrace\n")


def test_every_recipe_has_an_expected_result() -> None:
    assert len(RECIPES) == len(EXPECTED)


@pytest.mark.parametrize(("recipe", "expected"), list(zip(RECIPES, EXPECTED, strict=False)))
def test_a_recipe_gives_the_right_result(tmp_path: Path, recipe: str, expected: list[str]) -> None:
    write_inputs(tmp_path)
    script = recipe.replace("kubemr-shell run", "kubemr-shell run -q")
    done = in_shell(script, tmp_path, options="-ec")
    assert (done.returncode, done.stderr) == (0, "")
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == expected
