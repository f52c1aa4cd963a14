"""The inputs that the benchmark makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import datasets


@pytest.mark.parametrize("name", ["unique", "logs", "one-line", "fastq", "fasta", "nul", "csv"])
def test_a_dataset_has_its_size_and_is_the_same_each_time(name: str, tmp_path: Path) -> None:
    first = datasets.dataset(name, 1000, tmp_path / "first")
    second = datasets.dataset(name, 1000, tmp_path / "second")
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size >= 1000
    assert not list(tmp_path.glob("*/*.unfinished"))


def test_unique_records_have_100_bytes_and_no_equals(tmp_path: Path) -> None:
    lines = datasets.dataset("unique", 100_000, tmp_path).read_bytes().splitlines(keepends=True)
    assert {len(line) for line in lines} == {100}
    assert len(set(lines)) == len(lines)


def test_a_folder_of_small_files_has_as_many_as_asked_for(tmp_path: Path) -> None:
    files = list(datasets.dataset("small-files", 12, tmp_path).iterdir())
    assert len(files) == 12
    assert {file.stat().st_size for file in files} == {100}


def test_halves_are_cut_at_a_line_end_and_lose_nothing(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.write_bytes(b"one\ntwo\nthree\nfour")
    folder = datasets.halves(whole)
    assert (folder / "0").read_bytes() == b"one\ntwo\nthree\n"
    assert (folder / "1").read_bytes() == b"four"


@pytest.mark.parametrize(
    "content", [b"a\t1\nb\t1\nb\t2\nb\t3\nc\t1\n", b"a\t1\na\t1\n", b"a\t1\n", b"a\n" * 5 + b"b\n" * 90]
)
def test_a_cut_between_keys_leaves_no_key_on_both_sides(content: bytes, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.write_bytes(content)
    datasets.cut_in_two(whole, tmp_path / "cut", same_key=True)
    first, second = ((tmp_path / "cut" / name).read_bytes() for name in "01")
    keys = [{line.split(b"\t")[0] for line in half.splitlines()} for half in (first, second)]
    assert first + second == content
    assert not keys[0] & keys[1]
