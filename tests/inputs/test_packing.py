"""Tests of the decision whether small inputs share map tasks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubemr_shell.inputs.packing import LONGEST_SCRIPT, with_packing
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.spec_mappings import SplitSpec

NAME = b'print(os.environ["map_input_file"])\n'


def packing(spec: JobSpec) -> tuple[bool | None, tuple[str, ...]]:
    rules, notes = with_packing(spec.split, spec, {uri: uri for uri in spec.files})
    return rules.pack, notes


def test_files_share_tasks_unless_a_command_mentions_their_variable() -> None:
    assert packing(JobSpec(map_command="cat")) == (True, ())
    pack, (note,) = packing(JobSpec(map_command="echo $KUBEMR_INPUT"))
    assert pack is False
    assert "because mapCommand mentions KUBEMR_INPUT; with split.pack: true in the YAML" in note


@pytest.mark.parametrize("pack", [True, False])
def test_the_spec_takes_precedence(pack: bool) -> None:
    assert packing(JobSpec(map_command="echo $KUBEMR_INPUT", split=SplitSpec(pack=pack))) == (pack, ())


@pytest.mark.parametrize("is_listed", [True, False], ids=["in files", "as an absolute path"])
def test_scripts_are_searched(tmp_path: Path, is_listed: bool) -> None:
    script = tmp_path / "map.py"
    script.write_bytes(NAME)
    spec = JobSpec(map_command=f"python3 {'map.py' if is_listed else script}", files=(str(script),) * is_listed)
    pack, (note,) = packing(spec)
    assert pack is False
    assert f"because {'map.py' if is_listed else script} mentions map_input_file" in note


def test_the_script_of_the_reduces_is_not_searched(tmp_path: Path) -> None:
    (tmp_path / "reduce.py").write_bytes(NAME)
    spec = JobSpec(map_command="cat", reduce_command="./reduce.py", files=(f"{tmp_path}/reduce.py",))
    assert packing(spec) == (True, ())


def test_what_is_no_script_is_not_searched(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(NAME * (LONGEST_SCRIPT // len(NAME) + 1))
    os.mkfifo(tmp_path / "pipe")
    paths = ("data", "pipe", "none", "")
    spec = JobSpec(map_command=f"cat {tmp_path}/pipe", files=tuple(f"{tmp_path}/{name}" for name in paths))
    assert packing(spec) == (True, ())
