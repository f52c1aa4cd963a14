"""Tests of braces in names of inputs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.errors import InputNotFound
from kubemr_shell.inputs.braces import TooManyNames, expanded, has_braces, missed
from kubemr_shell.inputs.local_files import LocalFiles


def names(pattern: str) -> list[str]:
    return [expansion.name for expansion in expanded(pattern)]


@pytest.mark.parametrize(
    "pattern",
    ["{a,b}/*", "x{a,b{c,d}}y{1,2}", "{a}", "{a,b", "a{,x}", "{{a,b},c}", "{a,b}{", "a}b,c{", "a,b", "{a,{b,c}d}"],
)
def test_a_pattern_stands_for_the_names_that_a_shell_makes_of_it(pattern: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -f; printf '%s\\n' {pattern}"], capture_output=True, text=True, check=True
    )
    assert names(pattern) == done.stdout.splitlines()


@given(st.text("{},ab", max_size=12))
def test_every_name_without_alternatives_is_literal(pattern: str) -> None:
    if not has_braces(pattern):
        assert names(pattern) == [pattern]


def test_the_number_of_names_is_limited() -> None:
    assert len(names("{0,1}" * 13)) == 8192
    with pytest.raises(TooManyNames, match="more than 10,000 names"):
        names("{0,1}" * 50)


def test_the_first_alternative_that_was_missed_is_named() -> None:
    pattern = "{a,b{c,d}}/{x,y}"
    every = expanded(pattern)
    assert missed(pattern, every, every) == ""
    assert missed(pattern, every, [one for one in every if one.name in ("a/x", "bc/y")]) == "'d'"
    assert missed(pattern, every, [one for one in every if "a" not in one.name]) == "'a'"


def found(folder: Path, name: str) -> list[str]:
    files = LocalFiles()
    paths = [file.path for file in files.find(f"{folder}/{name}")]
    assert not files.problems
    return [path.removeprefix(f"{folder}/") for path in paths]


def make(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("x")


def test_each_file_is_found_once_and_in_order(tmp_path: Path) -> None:
    make(tmp_path, "jan/a", "feb/a", "feb/b", "mar/a")
    assert found(tmp_path, "{jan,feb}/*") == ["feb/a", "feb/b", "jan/a"]
    assert found(tmp_path, "{jan,feb,jan,f*}/{a,?}") == ["feb/a", "feb/b", "jan/a"]
    assert found(tmp_path, "{jan/,mar}") == ["jan/a", "mar/a"]


def test_an_alternative_without_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    make(tmp_path, "jan/a", "feb/b")
    assert found(tmp_path, "{jan,feb}/{a,b}") == ["feb/b", "jan/a"]
    with pytest.raises(InputNotFound, match=r"\{jan,fab\}/\*: no file matches the alternative 'fab'"):
        found(tmp_path, "{jan,fab}/*")
    with pytest.raises(InputNotFound, match=r"/\{x,y\}: no file matches"):
        found(tmp_path, "{x,y}")
    with pytest.raises(InputNotFound, match="more than 10,000 names"):
        found(tmp_path, "{0,1}" * 50)


def test_names_with_braces_are_found_literally(tmp_path: Path) -> None:
    make(tmp_path, "{a,b}/x.txt", "{c,d}.txt", "c.txt", "d.txt")
    assert found(tmp_path, "{a,b}/*.txt") == found(tmp_path, "{a,b}") == ["{a,b}/x.txt"]
    assert found(tmp_path, "{c,d}.txt") == ["{c,d}.txt"]
