"""The installed command line against every vector of the protocol."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

PROTOCOL = Path(__file__).parents[2] / "protocol"
RUN = [str(Path(sys.executable).with_name("kubemr-shell")), "run"]


def load_runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vectors_run", PROTOCOL / "vectors" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


runner = load_runner()


@pytest.mark.parametrize("name", runner.vector_names())
def test_the_command_line_does_what_the_vector_says(name: str) -> None:
    assert runner.run_vector(name, RUN) == []


def test_every_vector_names_rules_that_exist() -> None:
    rules = set(re.findall(r"^\*\*(\d+\.\d+)\*\*", (PROTOCOL / "SPEC.md").read_text(), re.MULTILINE))
    for name in runner.vector_names():
        vector = json.loads((PROTOCOL / "vectors" / name / "vector.json").read_text())
        assert vector["rules"], name
        assert set(vector["rules"]) <= rules, name


def test_a_wrong_part_a_wrong_counter_and_a_wrong_exit_are_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text(
        "#!/bin/sh\nmkdir -p out\nprintf 'no\\n' > out/part-00000\n"
        'echo \'{"parts": [], "counters": {"G": {"C": 1}}}\' > out/_SUCCESS\n'
    )
    wrong.chmod(0o755)
    found = " ".join(runner.run_vector("records/empty-lines", [str(wrong)]))
    assert "part-00000 is" in found
    assert "_SUCCESS lists" in found
    assert "counters" in found
    assert "exit status 0" in " ".join(runner.run_vector("failures/map-exit-status", [str(wrong)]))
    assert "the failed job left" in " ".join(runner.run_vector("failures/map-exit-status", [str(wrong)]))
