"""Sets of task numbers as a few spans, written as compact text: ``0-399,402``.

A shard has up to 1,000 tasks, and nearly all of them lie in a few spans. So each set of tasks is one short string in
the document of the shard: readable, cheap to compare, and safe in a ``test`` operation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Span = tuple[int, int]
"""The numbers from the first, included, to the second, excluded."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """An immutable set of numbers. Its spans are sorted, are not empty, and do not touch each other."""

    spans: tuple[Span, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Ranges:
        """Return the set from its text."""
        spans = []
        for item in text.split(",") if text else ():
            first, _, last = item.partition("-")
            spans.append((int(first), int(last or first) + 1))
        return cls(tuple(spans))

    @classmethod
    def span(cls, start: int, end: int) -> Ranges:
        """Return the numbers from ``start``, included, to ``end``, excluded."""
        return cls(((start, end),)) if start < end else cls()

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Ranges:
        """Return the set of some numbers."""
        return cls(_joined((number, number + 1) for number in sorted(numbers)))

    def __str__(self) -> str:
        return ",".join(str(start) if end == start + 1 else f"{start}-{end - 1}" for start, end in self.spans)

    def __len__(self) -> int:
        return sum(end - start for start, end in self.spans)

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __iter__(self) -> Iterator[int]:
        for start, end in self.spans:
            yield from range(start, end)

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and any(start <= number < end for start, end in self.spans)

    def __or__(self, other: Ranges) -> Ranges:
        if not (self.spans and other.spans):
            return self if self.spans else other
        return Ranges(_joined(sorted(self.spans + other.spans)))

    def __sub__(self, other: Ranges) -> Ranges:
        if not (self.spans and other.spans):
            return self
        left: list[Span] = []
        cuts = iter((*other.spans, (_END, _END)))
        cut_start, cut_end = next(cuts)
        for span_start, end in self.spans:
            start = span_start
            while start < end:
                if cut_end <= start:
                    cut_start, cut_end = next(cuts)
                    continue
                if start < cut_start:
                    left.append((start, min(end, cut_start)))
                start = max(start, cut_end) if cut_start < end else end
        return Ranges(tuple(left))

    def __and__(self, other: Ranges) -> Ranges:
        return self - (self - other)

    def first(self, count: int) -> Ranges:
        """Return the ``count`` smallest numbers, or all if there are fewer."""
        taken: list[Span] = []
        for start, end in self.spans:
            if count <= 0:
                break
            taken.append((start, min(end, start + count)))
            count -= end - start
        return Ranges(tuple(taken))

    def last(self, count: int) -> Ranges:
        """Return the ``count`` greatest numbers, or all if there are fewer."""
        return self - self.first(len(self) - count)


_END = 1 << 62


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return sorted spans with those joined that touch or overlap."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)
