"""The run file as ``docs/run-file.md`` has it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from kubemr_shell.engine.reference.run_file import PartitionFacts
from tests.engine.model import Shape
from tests.engine.run_index import read_index
from tests.engine.streams import collecting, drain_all, output_of

PAGE = Path(__file__).parents[2] / "docs/run-file.md"
HEX_COLUMNS = 47  # sixteen bytes


def example_of_the_page() -> bytes:
    block = PAGE.read_text(encoding="utf-8").split("```text\n")[1].split("```")[0]
    return bytes.fromhex("".join(line[:HEX_COLUMNS] for line in block.splitlines()))


def test_the_example_of_the_page_is_what_is_written(engine: ModuleType, folder: str) -> None:
    with collecting(engine, Shape(partitions=3), folder) as collector:
        drain_all(collector, [b"the\t1\na\t2\nthe\t1\nend"])
        assert output_of(collector)[0] == example_of_the_page()


def test_the_index_of_the_example_says_what_its_notes_say() -> None:
    assert read_index(example_of_the_page()) == [
        PartitionFacts(offset=0, stored=0, entries=0, records=0, raw_bytes=0),
        PartitionFacts(offset=0, stored=36, entries=2, records=2, raw_bytes=8),
        PartitionFacts(offset=36, stored=32, entries=1, records=2, raw_bytes=12),
    ]


def test_the_index_agrees_with_the_facts(engine: ModuleType, folder: str) -> None:
    lines = b"".join(b"%d\t%d\n" % (number % 300, number % 7) for number in range(5000))
    with collecting(engine, Shape(partitions=50), folder) as collector:
        drain_all(collector, [lines])
        content, facts = output_of(collector)
    index = read_index(content)
    assert [(p.offset, p.stored, p.records, p.raw_bytes) for p in index] == facts.partitions
    assert sum(p.entries for p in index) == facts.entries
