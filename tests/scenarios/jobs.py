"""A job whose every part is known beforehand, byte for byte, to hold against whatever happens to its run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from kubemr_shell.engine import reference
from tests.support.runs import NOTE, Place


@dataclass(frozen=True, kw_only=True)
class WordCount:
    """Counts words by ``uniq -c``, in many small tasks; each attempt is noted."""

    lines: int = 1200
    words: int = 97
    partitions: int = 5
    split_bytes: int = 400
    before_map: str = ""
    """Shell commands that each map attempt begins with, after it was noted."""
    before_reduce: str = ""
    flags: tuple[str, ...] = ()
    input: str = "words"

    def arguments(self, place: Place) -> list[str]:
        """The command line of the run, with its input made where it is not there yet."""
        if self.input != "-" and not (place.folder / self.input).exists():
            place.write(self.input, "".join(f"{word}\n" for word in self._all_words()))
        return [
            *("run", "-o", "out", "-p", str(self.partitions), "--split-bytes", str(self.split_bytes)),
            *("-m", f"{NOTE}{self.before_map}cat", "-r", f"{NOTE}{self.before_reduce}uniq -c"),
            *(*self.flags, self.input),
        ]

    @property
    def map_tasks(self) -> int:
        return -(-sum(len(word) + 1 for word in self._all_words()) // self.split_bytes)

    def parts(self) -> dict[str, bytes]:
        """Return the expected parts of the output."""
        found: dict[str, bytes] = {f"part-{number:05d}": b"" for number in range(self.partitions)}
        for word, count in sorted(Counter(self._all_words()).items()):
            part = f"part-{reference.partition_of(word.encode(), self.partitions):05d}"
            found[part] += f"{count:7d} {word}\n".encode()
        return found

    def _all_words(self) -> list[str]:
        return [f"word{number * number % self.words}" for number in range(self.lines)]


def assert_complete(place: Place, job: WordCount) -> None:
    """The result is right, and the output holds it and nothing else."""
    parts = job.parts()
    assert place.parts() == parts
    assert {path.name for path in place.output.iterdir()} == {*parts, "_SUCCESS"}
    manifest = place.success()
    assert {part["name"]: part["bytes"] for part in manifest["parts"]} == {
        name: len(data) for name, data in parts.items()
    }
    assert manifest["totals"]["map"]["recordsIn"] == job.lines
    assert manifest["totals"]["reduce"]["recordsIn"] == job.lines


def winner_of(task: int, attempts: Iterable[str]) -> tuple[str, str]:
    """Return the attempt of a task that has won, and the next one, from the names of all attempts that left an output.

    On a slow machine one worker may take a task from the other while it runs. Then the later attempt wins.
    """
    number = max(int(attempt.partition(".")[2]) for attempt in attempts if attempt.startswith(f"{task}."))
    return f"{task}.{number}", f"{task}.{number + 1}"
