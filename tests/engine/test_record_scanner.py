"""Tests of the scanner of records: counts, places to stop, and damage. The native scanner agrees with the reference."""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.engine import _native, reference
from tests.engine import strategies
from tests.engine.streams import memory_file

ALL = (1 << 64) - 1
MARKS = {"end-byte": 0, "csv": ord(","), "fasta": 0, "fastq": 0}
FORMATS = st.sampled_from(sorted(MARKS))
DENSE = st.lists(st.sampled_from(list(b'",\n\r\0a>;@+')), max_size=200).map(bytes)
LONG = b'"' + b"z" * 70 + b'"'
ROWS = st.lists(
    st.lists(st.sampled_from([b"", b"a", b'"b"', b'"x\ny"', b'"p""q"', b"long" * 20, LONG]), min_size=1)
    .map(b",".join)
    .flatmap(lambda row: st.sampled_from([row + b"\n", row + b"\r\n"])),
    max_size=12,
).map(b"".join)
READS = st.lists(
    st.tuples(st.integers(0, 80), st.sampled_from([b"@", b"+", b"I"]), st.sampled_from([b"\n", b"\r\n"])).map(
        lambda read: read[2].join([b"@name", b"A" * read[0], b"+", read[1] * read[0], b""])
    ),
    max_size=6,
).map(b"".join)
STREAMS = DENSE | ROWS | READS | st.binary(max_size=300)


def scanned(engine: ModuleType, name: str, chunks: list[bytes], most: int = ALL) -> tuple[Any, ...]:
    """Return the facts of a scan of all chunks, up to the first place to stop."""
    scanner = engine.RecordScanner(name, MARKS[name])
    used = 0
    for chunk in chunks:
        step = scanner.scan(chunk, most)
        used += step
        if scanner.damage:
            return scanner.damage, scanner.damage_at
        if step < len(chunk):
            return used, scanner.records
    scanner.end()
    return used, scanner.records, scanner.position, scanner.last, scanner.damage, scanner.damage_at


@strategies.quick
@given(name=FORMATS, content=STREAMS, cuts=st.lists(st.integers(0, 300), max_size=4), most=st.integers(1, 8))
def test_both_scanners_find_the_same_in_chunks_of_any_size(
    name: str, content: bytes, cuts: list[int], most: int
) -> None:
    bounds = sorted({0, len(content), *(cut % (len(content) + 1) for cut in cuts)})
    chunks = [content[start:end] for start, end in pairwise(bounds)]
    for limit in (ALL, most):
        expected = scanned(reference, name, [content], limit)
        assert scanned(_native, name, chunks, limit) == expected
        assert scanned(reference, name, chunks, limit) == expected


@strategies.quick
@given(name=FORMATS, content=STREAMS | ROWS.map(lambda rows: rows * 5), step=st.integers(1, 3))
def test_a_scan_that_stopped_goes_on_where_it_stopped(name: str, content: bytes, step: int) -> None:
    stops: list[list[tuple[Any, ...]]] = []
    for engine in (_native, reference):
        scanner = engine.RecordScanner(name, MARKS[name])
        stops.append([])
        while scanner.position < len(content) and not scanner.damage:
            scanner.scan(content[scanner.position :], scanner.records + step)
            stops[-1].append(
                (scanner.damage, scanner.damage_at) if scanner.damage else (scanner.position, scanner.records)
            )
    assert stops[0] == stops[1]


@pytest.mark.parametrize("engine", [_native, reference], ids=["native", "reference"])
@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("end-byte", b"x" * 63 + b"\0"),
        ("csv", b"x" * 63 + b"\n"),
        ("csv", b'"' + b"x" * 61 + b'"\n'),
        ("fasta", b">" + b"A" * 62 + b"\n"),
        ("fastq", b"@\n" + b"A" * 29 + b"\n+\n" + b"I" * 29 + b"\n"),
    ],
)
def test_a_scan_stops_at_a_record_that_ends_with_a_block_of_64_bytes(
    engine: ModuleType, name: str, record: bytes
) -> None:
    for most in (1, 2):
        scanner = engine.RecordScanner(name, MARKS[name])
        assert scanner.scan(record * 4, most) == 64 * most
        assert (scanner.records, scanner.damage) == (most, "")


@strategies.quick
@given(name=FORMATS, content=STREAMS, offset=st.integers(0, 20), most=st.integers(1, 8))
def test_a_range_of_a_file_is_scanned_as_its_bytes_are(name: str, content: bytes, offset: int, most: int) -> None:
    part = content[offset:]
    for engine in (_native, reference):
        with memory_file(content) as fd:
            in_file = engine.RecordScanner(name, MARKS[name])
            used = in_file.scan_file(fd, offset, 1 << 20, most)
        in_memory = engine.RecordScanner(name, MARKS[name])
        assert used == in_memory.scan(part, most) or in_memory.damage
        assert (in_file.records, in_file.damage) == (in_memory.records, in_memory.damage)


@pytest.mark.parametrize(
    ("name", "content", "damage"),
    [
        ("csv", b'a,"b\nc",d\n', ("", 0)),
        ("csv", b'a,"b""\n""c",d\r\n', ("", 0)),
        ("csv", b'\xef\xbb\xbf"a",b\n', ("", 0)),
        ("csv", b'a,b"c\n', ("quote", 3)),
        ("csv", b'x\xef\xbb"a"\n', ("quote", 3)),
        ("csv", b'a,"b"c\n', ("close", 5)),
        ("csv", b'a,"b\nc,"d', ("close", 8)),
        ("csv", b'a\n"b,\n', ("unterminated", 2)),
        ("fastq", b"@r\nAC\n+\n@I\n", ("", 0)),
        ("fastq", b"@r\nAC\n+\n@I", ("", 0)),
        ("fastq", b"@r\nAC\n+\n@I\n\n", ("blank", 11)),
        ("fastq", b"@r\nAC\n+\n@I\n\n@s\nA\n+\nI\n", ("blank", 11)),
        ("fastq", b"@r\nAC\nGT\n+\nIIII\n", ("plus", 6)),
        ("fastq", b"@r\nAC\n+\nI\n", ("length", 8)),
        ("fastq", b"@r\nAC\n+\nII\nr\n", ("header", 11)),
        ("fastq", b"@r\n@C\n+\nII\n", ("sequence", 3)),
        ("fastq", b"@r\nAC\n+\nII\n@s\nAC\n", ("truncated", 11)),
    ],
)
def test_damage_is_found_and_nothing_else_is(
    engine: ModuleType, name: str, content: bytes, damage: tuple[str, int]
) -> None:
    scanner = engine.RecordScanner(name, MARKS[name])
    scanner.scan(content, ALL)
    scanner.end()
    assert (scanner.damage, scanner.damage_at) == damage


def test_a_byte_is_counted_in_a_range(engine: ModuleType) -> None:
    content = b'"a\n' * 100_000
    with memory_file(content) as fd:
        assert engine.count_byte(fd, 1, len(content), ord('"')) == 99_999
