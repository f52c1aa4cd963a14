"""Tests of the paths in a job's YAML: they are relative to its folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kubemr_shell.cli.yaml_paths import with_paths_from

JOB = """
apiVersion: turbobytes.com/v1alpha1
kind: MapReduceJob
metadata: {name: paths}
spec:
  inputs: [in/*.txt]
  mapCommand: ./upper.sh
  files: [upper.sh]
  partitions: 1
  output: out
"""


def test_relative_paths_of_every_field_are_below_the_folder_of_the_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/u")
    spec = {
        "inputs": ["a", "../b/*", "/c", "~/d", "-", "s3://b/k", "http://h/x", "file:///e"],
        "inputsFrom": "list",
        "output": "~",
        "files": ["f"],
        "archives": ["https://h/x.tar", "g.tar"],
        "s3": {"caBundle": "ca.pem", "region": "r"},
        "mapCommand": "cat",
    }
    assert with_paths_from({"spec": spec, "kind": "x"}, "/jobs") == {
        "kind": "x",
        "spec": {
            "inputs": ["/jobs/a", "/jobs/../b/*", "/c", "/home/u/d", "-", "s3://b/k", "http://h/x", "file:///e"],
            "inputsFrom": "/jobs/list",
            "output": "/home/u",
            "files": ["/jobs/f"],
            "archives": ["https://h/x.tar", "/jobs/g.tar"],
            "s3": {"caBundle": "/jobs/ca.pem", "region": "r"},
            "mapCommand": "cat",
        },
    }


@pytest.mark.parametrize("document", [None, [], {"spec": 1}, {"spec": {"inputs": 7, "files": [1], "output": None}}])
def test_a_document_with_mistakes_is_left_to_the_validation(document: object) -> None:
    assert with_paths_from(document, "/jobs") == document


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kubemr_shell", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_job_runs_from_another_folder_and_paths_of_the_command_line_are_those_of_the_current_folder(
    tmp_path: Path,
) -> None:
    jobs, here = tmp_path / "jobs", tmp_path / "here"
    (jobs / "in").mkdir(parents=True)
    (here / "in").mkdir(parents=True)
    (jobs / "job.yaml").write_text(JOB)
    (jobs / "upper.sh").write_text("#!/bin/sh\ntr a-z A-Z\n")
    (jobs / "upper.sh").chmod(0o755)
    (jobs / "in" / "a.txt").write_text("of the job\n")
    (here / "in" / "a.txt").write_text("of the current folder\n")
    assert run(here, "run", "-q", "../jobs/job.yaml").returncode == 0
    assert (jobs / "out" / "part-00000").read_text() == "OF THE JOB\n"
    assert not (here / "out").exists()
    assert run(here, "results", "--job", "../jobs/job.yaml").stdout == "OF THE JOB\n"
    done = run(here, "run", "-q", "--job", "../jobs/job.yaml", "-o", "out", "in/a.txt")
    assert (done.returncode, (here / "out" / "part-00000").read_text()) == (0, "OF THE CURRENT FOLDER\n")


def test_an_error_says_where_a_path_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "job.yaml").write_text(JOB.replace("in/*.txt", "missing"))
    (tmp_path / "jobs" / "upper.sh").touch(0o755)
    done = run(tmp_path, "run", "jobs/job.yaml")
    assert done.returncode == 3
    assert f"{tmp_path}/jobs/missing: no such file" in done.stderr
