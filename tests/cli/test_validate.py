"""Tests of the command ``validate``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.job_documents import FIRST_KUBEMR

GOOD = """
apiVersion: turbobytes.com/v1alpha1
kind: MapReduceJob
metadata: {name: words}
spec:
  inputs: [logs/*.gz]
  mapCommand: tr -cs '[:alpha:]' '\\n'
  reduceCommand: uniq -c
"""
BAD = GOOD.replace("mapCommand", "mapComand").replace("[logs/*.gz]", "[]")


def validate(folder: Path, *arguments: str, stdin: str | bytes = b"") -> subprocess.CompletedProcess[str]:
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [sys.executable, "-m", "kubemr_shell", "validate", *arguments],
        input=data,
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(folder), "PATH": os.environ["PATH"]},  # noqa: TID251
        capture_output=True,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_a_valid_file_is_said_to_be_valid(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    done = validate(tmp_path, "good.yaml")
    assert (done.returncode, done.stdout, done.stderr) == (0, "good.yaml: valid\n", "")


def test_all_problems_of_all_files_are_said_and_the_exit_status_is_2(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(BAD)
    done = validate(tmp_path, "bad.yaml", "good.yaml", "absent.yaml")
    assert done.returncode == 2
    assert done.stdout.splitlines() == [
        "bad.yaml: 2 problems",
        "  spec.inputs: is empty: list at least one, or remove the line",
        "  spec.mapComand: there is no such field; did you mean mapCommand?",
        "good.yaml: valid",
        "absent.yaml: the job cannot be read: No such file or directory",
    ]


def test_the_first_kubemrs_manifest_is_valid(tmp_path: Path) -> None:
    assert validate(tmp_path, "-", stdin=FIRST_KUBEMR).returncode == 0


def test_json_has_the_same_for_programs(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    done = validate(tmp_path, "--output", "json", "bad.yaml", "-", "absent.yaml", stdin=GOOD)
    bad, good, absent = json.loads(done.stdout)
    assert done.returncode == 2
    assert (bad["file"], bad["valid"]) == ("bad.yaml", False)
    assert bad["problems"][1] == {
        "path": "spec.mapComand",
        "message": "there is no such field; did you mean mapCommand?",
    }
    assert good == {"file": "-", "valid": True, "problems": []}
    assert not absent["valid"]


def test_no_file_is_a_usage_error(tmp_path: Path) -> None:
    assert validate(tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"", "there is no document in it"),
        (b"# only a comment\n", "there is no document in it"),
        (b"a: 1\n---\nb: 2\n", "line 2, column 1: another document begins: write one job a file"),
        (b"spec:\n  mapCommand: tr a: b\n", "a text with ': ' in it needs quotes"),
        (b"a: [1\n", "is not YAML"),
        (b"\ta: 1\n", "is not YAML"),
        (b"\xff\xfe\xfd", "is not YAML"),
        (b"a: \xe9\n", "is not YAML"),
        (b"a: 1\nb: 2\na: 3\n", "line 3: a is repeated: remove one"),
        (b"a: {b: 1, b: 1}\n", "line 1: b is repeated: remove one"),
        (b"a: !python/object:os.system {}\n", "could not determine a constructor for the tag"),
        (b"a: " + b"9" * 5000, "a number in it has too many digits"),
        (b'a: !!int ""\n', "a value does not fit its tag"),
        (b"a: !!bool maybe\n", "a value does not fit its tag"),
    ],
)
def test_what_is_no_yaml_is_said_with_its_place(tmp_path: Path, text: bytes, line: str) -> None:
    done = validate(tmp_path, "-", stdin=text)
    assert done.returncode == 2
    assert done.stdout.startswith("-: 1 problem\n  ")
    assert line in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("text", ["a: " + "[" * 50_000 + "]" * 50_000, "{a: " * 50_000 + "}" * 50_000, "- " * 50_000])
def test_a_document_of_very_many_levels_is_refused(tmp_path: Path, text: str) -> None:
    done = validate(tmp_path, "-", stdin=text)
    assert (done.returncode, done.stdout) == (2, "-: 1 problem\n  it has more than 100 levels\n")


def test_anchors_that_would_be_vast_when_written_out_are_refused_at_once(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
    text = GOOD + "  template:\n" + "".join(f"    {line}\n" for line in lines)
    done = validate(tmp_path, "-", stdin=text)
    assert done.stdout == "-: 1 problem\n  spec.template: holds more than 10000 values or more than 64 levels\n"


def test_dates_and_a_lone_equals_sign_are_text_as_they_are_for_kubernetes(tmp_path: Path) -> None:
    text = GOOD + "  key: {separator: =}\n  jobargs: {day: 2026-11-24, odd: 2026-99-99}\n"
    done = validate(tmp_path, "-", stdin=text)
    assert (done.returncode, done.stdout) == (0, "-: valid\n")


def script(folder: Path, name: str, mode: int) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\ncat\n")
    path.chmod(mode)
    return path


def commands(**lines: str) -> str:
    return GOOD.replace("  mapCommand: tr -cs '[:alpha:]' '\\n'\n  reduceCommand: uniq -c\n", "") + "".join(
        f"  {name}: {line}\n" for name, line in lines.items()
    )


@pytest.mark.parametrize("word", ["./map.sh", "map.sh"])
def test_a_script_without_execute_permission_is_named_with_the_command_that_helps(tmp_path: Path, word: str) -> None:
    path = script(tmp_path, "map.sh", 0o644)
    script(tmp_path, "reduce.sh", 0o755)
    (tmp_path / "job.yaml").write_text(commands(mapCommand=f"{word} -x", reduceCommand="./reduce.sh"))
    done = validate(tmp_path, "job.yaml")
    assert done.returncode == 2
    assert done.stdout.splitlines() == [
        "job.yaml: 1 problem",
        f"  spec.mapCommand: map.sh has no execute permission: chmod +x {path}",
    ]
    path.chmod(0o755)
    assert validate(tmp_path, "job.yaml").returncode == 0


def test_a_script_that_the_job_names_in_files_is_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    path = script(tmp_path, "tools/sum.sh", 0o600)
    (tmp_path / "job.yaml").write_text(commands(mapCommand="cat", reduceCommand="./sum.sh", files="[tools/sum.sh]"))
    done = validate(tmp_path, "job.yaml")
    assert f"  spec.reduceCommand: sum.sh has no execute permission: chmod +x {path}" in done.stdout.splitlines()


def test_data_with_the_name_of_a_program_and_scripts_for_an_interpreter_need_no_execute_permission(
    tmp_path: Path,
) -> None:
    for name in ("sort", "map.sh"):
        script(tmp_path, name, 0o644)
    (tmp_path / "job.yaml").write_text(commands(mapCommand="sh map.sh", reduceCommand="sort -u"))
    assert validate(tmp_path, "job.yaml").stdout == "job.yaml: valid\n"


def test_a_file_that_can_travel_to_no_worker_is_said(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(commands(mapCommand="cat", files="['gs://bucket/x']"))
    done = validate(tmp_path, "job.yaml")
    assert done.returncode == 2
    assert "gs://bucket/x: files and archives are paths or http://" in done.stdout
