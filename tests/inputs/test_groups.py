"""Tests of the groups of inputs that belong together."""

from __future__ import annotations

import pytest

from kubemr_shell.errors import InputError
from kubemr_shell.inputs.groups import splits_by_group
from kubemr_shell.inputs.input_object import InputObject


def objects(*names: str, head: bytes = b"") -> list[InputObject]:
    return [InputObject.of_content(name, size=1 << 40, fingerprint="f", head=head, codec="none") for name in names]


def groups(items: list[InputObject], pattern: str) -> list[list[str]]:
    return [[piece.uri for piece in split.pieces] for split in splits_by_group(items, pattern)]


def test_files_of_a_group_are_one_task_in_the_order_of_their_names_and_are_not_cut() -> None:
    names = ("/b_R2.fq", "/b_R1.fq", "/a_R1.fq", "s3://x/b_R1.fq", "/a_R2.fq")
    assert groups(objects(*names), r"(.*)_R[12]\.fq$") == [
        ["/b_R1.fq", "/b_R2.fq"],
        ["/a_R1.fq", "/a_R2.fq"],
        ["s3://x/b_R1.fq"],
    ]
    assert groups(objects(*names), r"([^/]*)_R[12]\.fq$") == [
        ["/b_R1.fq", "/b_R2.fq", "s3://x/b_R1.fq"],
        ["/a_R1.fq", "/a_R2.fq"],
    ]


@pytest.mark.parametrize("pattern", ["(a)_R1", "x|(a)"])
def test_a_file_outside_all_groups_is_an_error_that_names_it(pattern: str) -> None:
    with pytest.raises(InputError, match=r"^/x_R1: does not match split\.group \(--group\) "):
        groups(objects("/a_R1", "/x_R1"), pattern)


def test_a_name_with_a_line_break_must_be_alone() -> None:
    assert groups(objects("/a\nb", "/c"), "(.*)") == [["/a\nb"], ["/c"]]
    with pytest.raises(InputError, match="has a line break in its name"):
        groups(objects("/a\nb", "/c"), "(/)")


def test_a_text_in_utf_16_must_be_alone() -> None:
    wide = objects("/a", "/b", head="a".encode("utf-16"))
    assert groups(wide, "(.*)") == [["/a"], ["/b"]]
    with pytest.raises(InputError, match=r"^/a: is in UTF-16 or UTF-32"):
        groups(wide, "(/)")
