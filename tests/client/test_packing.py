"""Tests of the files that travel with a job, and of specs that only a cluster refuses."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kubemr_shell.cli.job_file import add_scripts
from kubemr_shell.client.cluster_spec import look_at_places
from kubemr_shell.client.packing import MOST_BYTES, Package, pack
from kubemr_shell.job.spec import JobSpec

SPEC = JobSpec(inputs=("s3://b/in",), map_command="cat")


def packed(folder: Path, **changes: Any) -> Package:
    spec = replace(SPEC, **changes)
    return pack(spec, add_scripts(spec, str(folder)), str(folder))


def problems(package: Package) -> list[str]:
    return [str(problem) for problem in package.problems]


def test_a_job_without_files_takes_nothing_along(tmp_path: Path) -> None:
    package = packed(tmp_path, files=("s3://b/x",))
    assert (package.data, package.spec, package.problems) == ({}, {"files": ["s3://b/x"]}, [])
    assert packed(tmp_path).spec == {}


def test_archives_travel_as_files_do(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"tar")
    package = packed(tmp_path, archives=("a.tar", "https://example.org/b.zip"))
    assert package.spec == {"archives": ["/etc/kubemr/files/a.tar", "https://example.org/b.zip"]}
    assert package.data == {"a.tar": b"tar"}


def test_a_file_travels_under_the_name_that_the_job_gives_it(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"tar")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.tar").write_bytes(b"another")
    package = packed(tmp_path, archives=("a.tar#env", "b/a.tar"), files=("/of/the/image#tool",))
    assert package.spec["archives"] == ["/etc/kubemr/files/env", "/etc/kubemr/files/a.tar"]
    assert package.data == {"env": b"tar", "a.tar": b"another"}
    assert package.spec["files"] == ["/of/the/image#tool"]


def test_what_is_too_much_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"s")
    (tmp_path / "large").write_bytes(b"l" * MOST_BYTES)
    package = packed(tmp_path, files=("small", "large"))
    [problem] = problems(package)
    assert problem.startswith(f"spec.files[1]: {tmp_path}/large has 921,600 bytes; files from this machine may have")
    assert "s3:// or http(s):// URIs" in problem
    assert package.data == {}
    (tmp_path / "small").write_bytes(b"")
    assert problems(packed(tmp_path, files=("small", "large"))) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing", "there is no "),
        ("folder", "is a folder: pack it with tar"),
        ("a name", "is not a name that a ConfigMap allows"),
        ("..data", "is not a name that a ConfigMap allows"),
    ],
)
def test_files_that_cannot_travel_are_named(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "folder").mkdir()
    for file in ("a name", "..data"):
        (tmp_path / file).touch()
    [problem] = problems(packed(tmp_path, files=(name,)))
    assert problem.startswith("spec.files[0]: ")
    assert words in problem


def test_a_file_that_the_job_names_wins_over_a_script_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for path in ("map.sh", "sub/map.sh"):
        (tmp_path / path).write_text(path)
    package = packed(tmp_path, files=("sub/map.sh",), map_command="./map.sh")
    assert (package.problems, package.data) == ([], {"map.sh": b"sub/map.sh"})
    assert problems(packed(tmp_path, files=("map.sh",), map_command="./map.sh")) == []


def test_an_absolute_path_that_is_not_here_may_be_one_of_the_image(tmp_path: Path) -> None:
    package = packed(tmp_path, files=("/opt/none-such",), inputs_from="/opt/no-such-list")
    assert package.spec == {"files": ["/opt/none-such"], "inputsFrom": "/opt/no-such-list"}
    assert len(package.warnings) == 2
    assert package.problems == []


def test_a_list_of_inputs_travels_and_its_lines_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"s3://b/1\r\n\nhttps://example.org/\n")
    package = packed(tmp_path, inputs_from="list")
    assert package.spec == {"inputsFrom": "/etc/kubemr/files/kubemr-inputs-from"}
    assert (package.problems, package.warnings) == ([], [])
    (tmp_path / "list").write_text("s3://b/1\nlogs/a\nlogs/b\n")
    [problem] = problems(packed(tmp_path, inputs_from="list"))
    assert "pods cannot see this machine's logs/a" in problem


def test_places_that_pods_do_not_have_are_all_named() -> None:
    spec = replace(SPEC, inputs=("logs/*.gz", "-", "s3://b/x", "/data/x", "file:///data/y"), output="out")
    found, warnings = look_at_places(spec)
    assert [problem.path for problem in found] == ["spec.inputs[0]", "spec.inputs[1]", "spec.output"]
    assert [warning.partition(":")[0] for warning in warnings] == ["spec.inputs[3]", "spec.inputs[4]"]


def test_a_compressed_list_of_inputs_travels_as_it_is_and_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "list.gz").write_bytes(gzip.compress(b"s3://b/x\nrelative\n"))
    package = packed(tmp_path, inputs_from="list.gz")
    assert package.data["kubemr-inputs-from"] == (tmp_path / "list.gz").read_bytes()
    assert "relative" in str([*package.problems, *package.warnings])
    (tmp_path / "list.gz").write_bytes(gzip.compress(b"s3://b/x\n")[:-2])
    assert "ends in the middle of the gzip data" in problems(packed(tmp_path, inputs_from="list.gz"))[0]


def test_a_list_of_inputs_without_end_is_too_large(tmp_path: Path) -> None:
    [problem] = problems(packed(tmp_path, inputs_from="/dev/zero"))
    assert problem.startswith("spec.inputsFrom: /dev/zero has more than 921,600 bytes")


def test_a_pipe_that_is_named_as_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    [problem] = problems(packed(tmp_path, files=("pipe",)))
    assert problem == f"spec.files[0]: {tmp_path}/pipe cannot be read: a pipe stands where a file belongs: move it away"
