"""The types of the native module.

``kubemr_shell.engine.reference`` implements the same classes and functions in Python, and documents them in full.
"""

from collections.abc import Sequence

VERSION: int

class Source:
    """A range of whole blocks of one partition in a run file. ``offset`` and ``length`` are in bytes."""

    def __init__(self, path: str, offset: int, length: int) -> None: ...
    def __hash__(self) -> int: ...
    @property
    def path(self) -> str: ...
    @property
    def offset(self) -> int: ...
    @property
    def length(self) -> int: ...

class Fed:
    """The facts about the lines that a command was given."""

    def __init__(
        self,
        *,
        records: int,
        raw_bytes: int,
        keys: int,
        heaviest_key: bytes,
        heaviest_records: int,
        end: str,
    ) -> None: ...
    def __hash__(self) -> int: ...
    @property
    def records(self) -> int: ...
    @property
    def raw_bytes(self) -> int: ...
    @property
    def keys(self) -> int: ...
    @property
    def heaviest_key(self) -> bytes: ...
    @property
    def heaviest_records(self) -> int: ...
    @property
    def end(self) -> str: ...

class OutputFacts:
    """The facts about a run file that was written."""

    def __init__(
        self,
        *,
        records: int,
        raw_bytes: int,
        entries: int,
        stored_bytes: int,
        partitions: list[tuple[int, int, int, int]],
    ) -> None: ...
    def __hash__(self) -> int: ...
    @property
    def records(self) -> int: ...
    @property
    def raw_bytes(self) -> int: ...
    @property
    def entries(self) -> int: ...
    @property
    def stored_bytes(self) -> int: ...
    @property
    def lengths(self) -> bytes: ...
    @property
    def partitions(self) -> list[tuple[int, int, int, int]]: ...

class Collector:
    """The map side: makes one run file of the lines of a task. It can be used for many tasks, one after the other."""

    def __init__(
        self,
        *,
        partitions: int,
        separator: bytes,
        key_fields: int,
        memory_bytes: int,
        max_record_bytes: int,
        spill_dir: str,
    ) -> None: ...
    def drain(self, fd: int, cancel_fd: int) -> bool:
        """Collect the lines of ``fd`` to its end. Return False if ``cancel_fd`` became readable before."""
    def write_output(self, fd: int) -> OutputFacts:
        """Write the collected lines to ``fd`` as a run file."""
    def reset(self) -> None:
        """Forget the lines, and be ready for the next task."""
    def close(self) -> None:
        """Release the memory and the scratch file."""

    @property
    def records(self) -> int: ...
    @property
    def raw_bytes(self) -> int: ...
    @property
    def spilled_bytes(self) -> int: ...
    @property
    def moved(self) -> int: ...

class Merger:
    """The reduce side: merges the sources of one partition into the lines for a command."""

    def __init__(self, sources: Sequence[Source], *, memory_bytes: int, scratch_dir: str) -> None: ...
    def feed(self, fd: int, cancel_fd: int) -> Fed:
        """Write the lines of all sources, sorted, to ``fd``. Stop when ``cancel_fd`` becomes readable."""

    @property
    def moved(self) -> int: ...

class RecordScanner:
    """Counts the records of a stream, and checks the stream. ``reference.record_scanner`` explains the arguments."""

    def __init__(self, kind: str, mark: int) -> None: ...
    def scan(self, data: bytes, most: int) -> int:
        """Scan a chunk. Return the number of bytes before the record that follows record number ``most``."""
    def scan_file(self, fd: int, offset: int, length: int, most: int) -> int:
        """Scan a range of a file. Return the number of bytes, as ``scan`` does."""
    def end(self) -> None:
        """Find a record that the end of the stream cuts off."""

    @property
    def records(self) -> int: ...
    @property
    def position(self) -> int: ...
    @property
    def last(self) -> int: ...
    @property
    def damage(self) -> str: ...
    @property
    def damage_at(self) -> int: ...

def partition_of(key: bytes, partitions: int) -> int:
    """Return the number of the partition of a key, from 0."""

def scan(fd: int, offset: int, length: int) -> tuple[int, int]:
    """Return the CRC-32 and the number of newlines of a range of a file. The range ends at the end of the file."""

def count_lines(fd: int, offset: int, length: int) -> int:
    """Return the number of newlines of a range of a file. The range ends at the end of the file."""

def count_byte(fd: int, offset: int, length: int, byte: int) -> int:
    """Return how often a byte occurs in a range of a file. The range ends at the end of the file."""
