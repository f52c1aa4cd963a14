"""Tests of globs over keys, which have the rules of local globs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubemr_shell.inputs.key_pattern import KeyPattern, is_visible
from tests.support.feeding import listed

KEYS = [
    "a/b/c.txt",
    "a/b/d.gz",
    "a/_hidden/c.txt",
    "a/.hidden",
    "a/x_1",
    "ab/c.txt",
    "b-1/x/y/z.txt",
    "b-2/x/_y/z.txt",
    "_top/z.txt",
    "top.txt",
    "b-3/[x]",
]


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "*.txt",
        "a/*",
        "a*/c.txt",
        "*/*.txt",
        "a/**",
        "**",
        "**/*.txt",
        "**/**/c.txt",
        "b-[12]/x",
        "b-[!1]/",
        "b-?/x/*",
        "b-*/**/z.txt",
        "a/_*",
        "a/_*/c.txt",
        "_*",
        "_top/*",
        "*/",
        "a/b/*/",
        "**/_y/*",
        "b-*/**/_y/z.txt",
        "none*",
        "[ab]",
    ],
)
def test_a_glob_over_keys_finds_what_it_would_find_in_folders(tmp_path: Path, pattern: str) -> None:
    for key in KEYS:
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(b"x")
    try:
        there = sorted(os.path.relpath(item.uri, tmp_path) for item in listed([pattern], folder=str(tmp_path)))
    except Exception as error:
        if "no file matches" not in str(error):
            raise
        there = []
    found = KeyPattern(pattern)
    assert sorted(key for key in KEYS if found.matches(key)) == there
    assert all(key.startswith(found.prefix) for key in there)


@pytest.mark.parametrize(
    ("pattern", "prefix"), [("a/b*/c", "a/b"), ("**", ""), ("logs/2026-1?/", "logs/2026-1"), ("a/[b]", "a/")]
)
def test_a_listing_is_narrowed_to_the_longest_literal_prefix(pattern: str, prefix: str) -> None:
    assert KeyPattern(pattern).prefix == prefix


def test_a_slash_at_the_end_stands_for_what_is_below() -> None:
    found = KeyPattern("a*/")
    keys = ["a1/x", "a1/x/y", "a1", "a1/_x", "a1//x"]
    assert [key for key in keys if found.matches(key)] == ["a1/x", "a1/x/y", "a1//x"]


def test_names_that_begin_with_a_dot_or_a_line_are_hidden() -> None:
    names = ["x", "_x", "x/.y", "x/_y/z", "x_/y.z", ""]
    assert [name for name in names if is_visible(name)] == ["x", "x_/y.z", ""]
