"""Whatever bytes the inputs hold and wherever they are cut, every record is read exactly once."""

from __future__ import annotations

import os
import tempfile
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.splits import plan_splits
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.split import Split
from tests.support.feeding import fed, listed
from tests.support.http_server import Resource, serving

DENSE = st.binary(max_size=60).map(lambda data: bytes(b"\n\na\x00"[byte % 4] for byte in data))
LONG_LINES = st.lists(
    st.tuples(st.integers(0, 9000), st.booleans()).map(lambda line: b"x" * line[0] + b"\n" * line[1]), max_size=4
).map(b"".join)
CONTENTS = st.one_of(st.binary(max_size=200), DENSE, LONG_LINES)


def splits_of(objects: list[InputObject], split: SplitSpec) -> list[Split]:
    """Through the line of JSON, as a worker gets them."""
    return [Split.from_json(item.to_json()) for item in plan_splits(objects, split=split, parallelism=2)]


@given(content=CONTENTS, max_bytes=st.integers(1, 3000))
def test_the_splits_of_a_file_together_are_the_file_and_each_begins_at_a_line(content: bytes, max_bytes: int) -> None:
    max_bytes = max(max_bytes, len(content) // 40)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "input")
        with open(path, "wb") as file:
            file.write(content)
        splits = splits_of(listed([path], decompress="none"), SplitSpec(max_bytes=max_bytes))
        outputs = [fed(split) for split in splits]
    assert b"".join(outputs) == content
    line_starts = {0, *(at + 1 for at, byte in enumerate(content) if byte == 10)} - {len(content)}
    position = 0
    for split, output in zip(splits, outputs, strict=True):
        piece = split.pieces[0]
        assert piece.end is not None
        assert bool(output) == any(piece.start <= start < piece.end for start in line_starts)
        assert not output or position in line_starts
        position += len(output)


@given(contents=st.lists(CONTENTS, min_size=1, max_size=8), max_bytes=st.integers(1, 20000), is_packed=st.booleans())
def test_the_records_of_many_files_come_in_order_and_once(
    contents: list[bytes], max_bytes: int, is_packed: bool
) -> None:
    max_bytes = max(max_bytes, sum(map(len, contents)) // 40)
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(contents):
            with open(os.path.join(folder, f"{number}"), "wb") as file:
                file.write(content)
        splits = splits_of(listed([folder]), SplitSpec(max_bytes=max_bytes, pack=is_packed))
        outputs = [fed(split) for split in splits]
    assert [record for output in outputs for record in records(output)] == [
        record for content in contents for record in records(content)
    ]
    missing_newlines = sum(map(len, outputs)) - sum(map(len, contents))
    assert missing_newlines <= sum(len(split.pieces) - 1 for split in splits)


@settings(max_examples=25)
@given(content=CONTENTS, max_bytes=st.integers(1, 3000), has_ranges=st.booleans())
def test_the_splits_of_a_url_together_are_its_content(content: bytes, max_bytes: int, has_ranges: bool) -> None:
    max_bytes = max(max_bytes, len(content) // 8)
    with serving({"/input": Resource(content, has_ranges=has_ranges)}) as server:
        objects = listed([server.url("/input")])
        outputs = [fed(split) for split in splits_of(objects, SplitSpec(max_bytes=max_bytes))]
    assert b"".join(outputs) == content
    assert all(output.endswith(b"\n") or content.endswith(output) for output in outputs)


@given(
    sizes=st.lists(st.one_of(st.none(), st.integers(0, 10 << 20)), max_size=30),
    split=st.builds(SplitSpec, max_bytes=st.integers(1 << 16, 1 << 24), pack=st.booleans(), whole_files=st.booleans()),
    parallelism=st.integers(1, 64),
)
def test_a_plan_covers_every_byte_of_every_input_in_order_and_keeps_its_bounds(
    sizes: list[int | None], split: SplitSpec, parallelism: int
) -> None:
    objects = [
        InputObject(uri=f"/{number}", size=size, codec="none", fingerprint="", splittable=number % 3 != 0)
        for number, size in enumerate(sizes)
    ]
    splits = list(plan_splits(objects, split=split, parallelism=parallelism))
    pieces = [piece for item in splits for piece in item.pieces]
    for first, second in pairwise(pieces):
        is_next_file = second.uri == f"/{int(first.uri[1:]) + 1}" and first.end == first.size and second.start == 0
        assert is_next_file or (second.uri == first.uri and second.start == first.end)
    assert [piece.uri for piece in pieces if piece.start == 0] == [item.uri for item in objects]
    for item in splits:
        size = sum((piece.end or 0) - piece.start for piece in item.pieces)
        is_cut = not split.whole_files and int(item.pieces[0].uri[1:]) % 3 != 0
        assert size <= split.max_bytes or (len(item.pieces) == 1 and not is_cut)
        assert len(item.pieces) == 1 or (split.pack and not split.whole_files)


def records(content: bytes) -> list[bytes]:
    lines = content.split(b"\n")
    return lines if lines[-1] else lines[:-1]
