"""Tests of the notes on inputs that are read in another way than most."""

from __future__ import annotations

from pathlib import Path

from kubemr_shell.inputs.notes import notes_on
from tests.support.feeding import listed


def test_texts_whose_characters_have_several_bytes_are_noted_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("line\n")
    assert notes_on(listed(["."], folder=str(tmp_path))) == ()
    (tmp_path / "b").write_text("line\n", encoding="utf-16")
    assert notes_on(listed(["."], folder=str(tmp_path))) == (
        f"{tmp_path}/b is in UTF-16 or UTF-32 by the byte order mark: neither cut nor packed with others",
    )
    (tmp_path / "c").write_text("line\n", encoding="utf-32")
    assert notes_on(listed(["."], folder=str(tmp_path))) == (
        f"2 inputs, of which the first is {tmp_path}/b, are in UTF-16 or UTF-32 by the byte order mark: neither cut "
        "nor packed with others",
    )
