"""Tests of the notes on inputs that are read in another way than most."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.notes import notes_on, why_whole
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Codec
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


@pytest.mark.parametrize(
    ("head", "codec", "has_ranges", "why"),
    [
        (b"a", "none", False, "its server sends no ranges of bytes"),
        (b"a", "gzip", False, "its server sends no ranges of bytes"),
        (b"a", "gzip", True, "its gzip data cannot be cut"),
        (b"a", "lzma", True, "its lzma data cannot be cut"),
        (b"a", "auto", True, "it cannot be cut"),
        (b"a", "tar", True, "an archive is not cut"),
        ("a".encode("utf-16"), "none", True, "a text in UTF-16 is not cut"),
    ],
)
def test_an_input_that_is_not_cut_has_a_reason(head: bytes, codec: Codec, has_ranges: bool, why: str) -> None:
    item = InputObject.of_content("/x", size=9, fingerprint="", head=head, codec=codec, has_ranges=has_ranges)
    assert why_whole(item, JobSpec(map_command="cat")) == why


def test_the_limit_of_records_keeps_compressed_files_whole() -> None:
    item = InputObject.of_content("/x", size=9, fingerprint="", head=b"BZh9", codec="bzip2")
    spec = JobSpec(map_command="cat", split=SplitSpec(records=5))
    assert why_whole(item, spec) == "with split.records, a bzip2 file is not cut"
