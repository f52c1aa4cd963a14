"""Tests of the sizes of splits. tests/properties checks that splits lose no bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.splits import MOST_PIECES, plan_splits
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Split

MIB = 1 << 20


def objects(*sizes: int | None, splittable: bool = True) -> list[InputObject]:
    return [
        InputObject(uri=f"/{number}", size=size, codec="none", fingerprint="f", splittable=splittable)
        for number, size in enumerate(sizes)
    ]


def plan(
    items: list[InputObject],
    *,
    parallelism: int = 1,
    max_bytes: int = 64 * MIB,
    pack: bool = True,
    whole_files: bool = False,
) -> list[Split]:
    split = SplitSpec(max_bytes=max_bytes, pack=pack, whole_files=whole_files)
    return list(plan_splits(items, split=split, parallelism=parallelism))


def sizes(splits: list[Split]) -> list[list[int]]:
    return [[(piece.end or 0) - piece.start for piece in split.pieces] for split in splits]


def test_no_inputs_are_no_splits() -> None:
    assert plan([]) == []


def test_small_files_share_a_split_up_to_the_target_in_their_order() -> None:
    small = 400 << 10
    assert sizes(plan(objects(small, small, small, 10, small))) == [[small, small], [small, 10, small]]


@pytest.mark.parametrize(
    ("max_bytes", "parallelism", "count"), [(64 * MIB, 2, 8), (5 * MIB, 2, 20), (64 * MIB, 400, 100)]
)
def test_a_large_file_is_cut_into_equal_pieces_enough_for_all_slots(
    max_bytes: int, parallelism: int, count: int
) -> None:
    splits = plan(objects(100 * MIB), max_bytes=max_bytes, parallelism=parallelism)
    assert sizes(splits) == [[100 * MIB // count]] * count


def test_pieces_differ_by_a_byte_at_most() -> None:
    assert sizes(plan(objects(10), max_bytes=4)) == [[3], [3], [4]]


def test_a_large_file_between_small_ones_keeps_its_place() -> None:
    splits = plan(objects(1, 2 * MIB, 2, 3), max_bytes=MIB)
    assert [[piece.uri for piece in split.pieces] for split in splits] == [["/0"], ["/1"], ["/1"], ["/2", "/3"]]


def test_what_cannot_be_cut_is_one_piece_and_what_has_no_size_has_a_split_of_its_own() -> None:
    assert sizes(plan(objects(5 * MIB, 1, 2, splittable=False), max_bytes=MIB)) == [[5 * MIB], [1, 2]]
    splits = plan(objects(1, None, 2))
    assert [[(piece.end, piece.size) for piece in split.pieces] for split in splits] == [
        [(1, 1)],
        [(None, None)],
        [(2, 2)],
    ]


def test_a_file_with_a_line_break_in_its_name_has_a_split_of_its_own() -> None:
    """KUBEMR_INPUT_FILES names a list with one file in each line, so a name with a line break would be two files."""
    items = [
        replace(item, uri=uri) for item, uri in zip(objects(1, 2, 3, 4), ["/a", "/b\n/c", "/d", "/e"], strict=True)
    ]
    splits = plan(items)
    assert [[piece.uri for piece in split.pieces] for split in splits] == [["/a"], ["/b\n/c"], ["/d", "/e"]]


def test_packing_can_be_switched_off() -> None:
    assert sizes(plan(objects(0, 1, 3 * MIB), pack=False, max_bytes=MIB)) == [[0], [1], [MIB], [MIB], [MIB]]


def test_whole_files_are_neither_cut_nor_packed() -> None:
    assert sizes(plan(objects(0, 1, 300 * MIB), whole_files=True)) == [[0], [1], [300 * MIB]]


def test_a_split_has_a_bounded_number_of_pieces() -> None:
    assert [len(split.pieces) for split in plan(objects(*[0] * (2 * MOST_PIECES + 1)))] == [MOST_PIECES, MOST_PIECES, 1]


def test_a_piece_carries_what_its_reader_must_check() -> None:
    (piece,) = plan(objects(7))[0].pieces
    assert (piece.uri, piece.start, piece.end, piece.size, piece.codec, piece.fingerprint) == (
        "/0",
        0,
        7,
        7,
        "none",
        "f",
    )
