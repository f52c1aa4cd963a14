"""The world around the board: what attempts leave behind, who published what, and which jobs may do so.

A stand-in for storage in which everything happens at once and is remembered, so that the invariants can be checked
against it. An output is (phase, task, attempt); a manifest is what a closed shard says of its winners.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kubemr_shell.board.steps import Attempt, Closing
from kubemr_shell.job.state import Phase

Output = tuple[Phase, int, int]
ManifestName = tuple[Phase, int, int]


def amount(phase: Phase, task: int, attempt: int) -> int:
    """Return the amount that an attempt adds to the counter. A sum tells its attempts. Publishing adds nothing."""
    if phase is Phase.PUBLISH:
        return 0
    return (1 + task) * 1000 + attempt % 97 + len(phase)


@dataclass(slots=True)
class Storage:
    outputs: set[Output] = field(default_factory=set)
    begun: dict[Output, str] = field(default_factory=dict)
    spoiled: set[Output] = field(default_factory=set)
    journal: set[Output] = field(default_factory=set)
    manifests: dict[ManifestName, tuple[int, ...]] = field(default_factory=dict)
    visible: dict[int, int] = field(default_factory=dict)
    success: dict[int, int] | None = None
    success_epoch: int = 0

    def begin(self, phase: Phase, attempt: Attempt, worker: str) -> None:
        """Every attempt is begun by one worker at most, once."""
        output = (phase, *attempt)
        assert output not in self.begun, f"{output} of {self.begun[output]} is begun again by {worker}"
        self.begun[output] = worker

    def write(self, phase: Phase, attempt: Attempt) -> None:
        self.outputs.add((phase, *attempt))

    def drop(self, phase: Phase, attempts: Iterable[Attempt]) -> None:
        """A worker deletes what its lost attempts made."""
        self.outputs -= {(phase, *attempt) for attempt in attempts}

    def spoil(self, output: Output) -> None:
        self.outputs.discard(output)
        self.spoiled.add(output)

    def write_journal(self, phase: Phase, attempts: Iterable[Attempt]) -> None:
        self.journal |= {(phase, *attempt) for attempt in attempts}

    def write_manifest(self, closing: Closing) -> int:
        """The sum of what the shard adds to the counter."""
        name = (closing.phase, closing.epoch, closing.shard)
        earlier = self.manifests.setdefault(name, closing.winners)
        assert earlier == closing.winners, f"manifest {name} is {earlier} and would be {closing.winners}"
        for index, attempt in enumerate(closing.winners):
            winner = (closing.phase, closing.first + index, attempt)
            assert winner in self.journal, f"{winner} is not in the journal"
        return sum(amount(closing.phase, *attempt) for attempt in closing.counted) - sum(
            amount(closing.phase, *attempt) for attempt in closing.replaced
        )

    def begin_to_publish(self, epoch: int) -> None:
        """An old result of the job is none any more before a part of it is replaced."""
        if self.success_epoch < epoch:
            self.success = None

    def finish(self, parts: dict[int, int], epoch: int) -> None:
        self.success, self.success_epoch = parts, epoch

    def publish(self, phase: Phase, part: Attempt) -> bool:
        """Make a staged part visible; False when it is nowhere."""
        output = (phase, *part)
        if output in self.outputs:
            self.outputs.discard(output)
            self.visible[part.task] = part.attempt
        return self.visible.get(part.task) == part.attempt
