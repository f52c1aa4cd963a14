"""Tests of the flags of ``run``. Whole runs are tested in tests/scenarios."""

import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.support.calls import call


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return call(folder, "run", *arguments, **environment)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").write_bytes(b"b,2\na,1\nb,1\n")
    (tmp_path / "job.yaml").write_text(
        "apiVersion: turbobytes.com/v1alpha1\nkind: MapReduceJob\nmetadata: {name: j}\n"
        "spec: {inputs: [in], mapCommand: cat, reduceCommand: wc -l, partitions: 3}\n"
    )
    return tmp_path


def parts(folder: Path) -> list[str]:
    return [part["name"] for part in json.loads((folder / "_SUCCESS").read_bytes())["parts"]]


def test_no_partitions_is_map_only(folder: Path) -> None:
    done = run(folder, "-q", "-m", "cat", "-p", "0", "-o", "out", "in")
    assert (done.returncode, done.stderr) == (0, b"")
    assert (folder / "out" / "part-00000").read_bytes() == b"b,2\na,1\nb,1\n"


def test_flags_win_over_the_yaml(folder: Path) -> None:
    done = run(folder, "-q", "job.yaml", "-p", "1", "-r", "head -1", "-o", "out")
    assert (done.returncode, done.stderr) == (0, b"")
    assert parts(folder / "out") == ["part-00000"]
    assert (folder / "out" / "part-00000").read_bytes() == b"a,1\n"


def test_inputs_after_the_yaml_replace_its_own(folder: Path) -> None:
    (folder / "other").write_bytes(b"one line\n")
    assert run(folder, "-q", "job.yaml", "other", "-p", "1").stdout == b"1\n"


def test_the_separator_and_the_fields_make_the_key(folder: Path) -> None:
    flags = ("-q", "--separator", ",", "--key-fields", "2", "-p", "1", "-m", "cat", "in")
    assert run(folder, *flags).stdout == b"a,1\nb,1\nb,2\n"


def test_variables_and_files_reach_the_command(folder: Path) -> None:
    (folder / "script.sh").write_text('#!/bin/sh\nread line; echo "$GREETING $line"\n')
    (folder / "script.sh").chmod(0o755)
    done = run(folder, "-q", "-m", "./script.sh", "-p", "0", "--env", "GREETING=hello=", "in")
    assert (done.stdout, done.stderr) == (b"hello= b,2\n", b"")


def test_an_image_may_bring_the_commands(folder: Path) -> None:
    (folder / "job.yaml").write_text(
        "apiVersion: turbobytes.com/v1alpha1\nkind: MapReduceJob\nmetadata: {name: j}\n"
        "spec: {inputs: [in], partitions: 1}\n"
    )
    assert b"the job has no mapCommand" in run(folder, "job.yaml").stderr
    done = run(folder, "-q", "job.yaml", KUBEMR_MAP_COMMAND="cat", KUBEMR_REDUCE_COMMAND="wc -l")
    assert done.stdout.strip() == b"3"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), b"name a job's YAML, or give a command with -m and inputs"),
        (("-m", "cat"), b"inputs"),
        (("-m", "cat", "in", "--resume", "--overwrite"), b"give one of them"),
        (("-m", "cat", "in", "--resume"), b"--resume needs an output"),
        (("-m", "cat", "in", "--memory", "lots"), b"--memory lots"),
        (("-m", "cat", "in", "--memory", "10Mi"), b"give at least 104Mi"),
        (("-m", "cat", "in", "--env", "NAME"), b"write NAME=VALUE"),
        (("-m", "cat", "in", "-p", "-1"), b"partitions"),
        (("-m", "cat", "in", "--slots", "0"), b"--slots"),
        (("-m", "cat", "-r", "cat", "-p", "0", "in"), b"map only"),
    ],
)
def test_a_call_that_means_nothing_says_what_is_wrong(folder: Path, arguments: tuple[str, ...], words: bytes) -> None:
    done = run(folder, *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == b""


def test_a_quantity_of_the_environment_is_refused_by_its_name(folder: Path) -> None:
    done = run(folder, "-m", "cat", "in", KUBEMR_MEMORY="64Mb")
    assert done.returncode == 2
    assert done.stderr.startswith(b"kubemr-shell: KUBEMR_MEMORY 64Mb: must be")


def test_an_input_without_a_command_is_said_to_be_taken_for_the_yaml(folder: Path) -> None:
    for name, code in (("in", 2), ("none.txt", 3)):
        done = run(folder, "-r", "cat", name)
        assert done.returncode == code
        assert b"give -m CMD to read it as input" in done.stderr
    assert b"-m CMD" not in run(folder, "none.yaml").stderr


def test_a_job_that_cannot_be_read_is_input_not_found(folder: Path) -> None:
    done = run(folder, "none.yaml")
    assert done.returncode == 3
    assert b"none.yaml: the job cannot be read" in done.stderr


def test_an_output_that_is_not_on_this_machine_is_refused_by_name(folder: Path) -> None:
    done = run(folder, "-m", "cat", "-o", "gs://bucket/out", "in")
    assert done.returncode == 2
    assert done.stderr.startswith(b"kubemr-shell: gs://bucket/out: nothing can be kept under gs://")
    assert sorted(os.listdir(folder)) == ["in", "job.yaml"]


def test_an_output_may_be_a_file_uri(folder: Path) -> None:
    done = run(folder, "-q", "-m", "cat", "-p", "0", "-o", f"file://{folder}/out", "in")
    assert (done.returncode, done.stderr) == (0, b"")
    assert parts(folder / "out") == ["part-00000"]


def test_files_may_be_file_uris(folder: Path) -> None:
    (folder / "words").write_bytes(b"here\n")
    done = run(folder, "-q", "--file", f"file://{folder}/words", "-m", "cat words", "-p", "1", "in")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"here\n", b"")


def test_files_that_cannot_be_fetched_are_refused_by_name(folder: Path) -> None:
    for uri, says in (
        ("ftp://host/words", b"files and archives are paths or http://, https:// or s3:// URIs"),
        ("https://host/?words", b"files and archives need a name"),
        ("/", b"files and archives need a name"),
    ):
        done = run(folder, "--file", uri, "-m", "cat", "in")
        assert done.returncode == 2
        assert uri.encode() + b": " + says in done.stderr


def script(path: Path, says: str, mode: int = 0o755) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(mode)


@pytest.mark.parametrize("kind", ["--file", "--archive"])
def test_a_file_that_is_given_wins_over_one_of_its_name_beside_the_yaml(folder: Path, kind: str) -> None:
    script(folder / "map.sh", "beside")
    if kind == "--file":
        script(folder / "tools" / "map.sh", "given")
        command = "./map.sh"
    else:
        script(folder / "tools" / "script", "given")
        with tarfile.open(folder / "tools" / "map.sh", "w") as archive:
            archive.add(folder / "tools" / "script", "script")
        command = "map.sh/script"
    done = run(folder, "-q", "-p", "1", "-m", command, kind, "tools/map.sh", "in")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"given\n", b"")


def test_a_script_without_execute_permission_is_named_before_any_task_runs(folder: Path) -> None:
    script(folder / "map.sh", "x", 0o644)
    done = run(folder, "-q", "-m", "./map.sh", "in")
    assert done.returncode == 2
    assert done.stderr.decode() == (
        f"kubemr-shell: command line: 1 problem\n  spec.mapCommand: map.sh has no execute permission: "
        f"chmod +x {folder}/map.sh\n"
    )
