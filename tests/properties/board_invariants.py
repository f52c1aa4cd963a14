"""The invariants (a) to (e) of the design, which hold after every write. They are checked on the documents alone.

(a) no two claims hold one (task, attempt); no attempt is begun twice (board_storage)
(b) a winner is set once an epoch, by the claim that held it
(c) each task is in exactly one of unissued, redo, held, done, failed
(d) a closed shard is covered, its manifest is what has won, and the counters are theirs
(e) _SUCCESS means that every part is the winner's, COMPLETE means _SUCCESS; FAIL and CANCELLED show no part
"""

from __future__ import annotations

from typing import Any

from kubemr_shell.board.stores.documents import Document
from kubemr_shell.job.state import JOB_TRANSITIONS, JobState, Phase
from tests.properties.board_storage import Storage, amount
from tests.support.board_documents import History

STRIDE = 1 << 16
LEGAL_STATES = {(before, after) for before, row in JOB_TRANSITIONS.items() for after in row.values()}


def numbers(text: str) -> set[int]:
    """Return the numbers of a text such as ``0-2,5``. This is not the product's own parser, on purpose."""
    found: set[int] = set()
    for item in filter(None, text.split(",")):
        first, _, last = item.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def pairs(text: str) -> list[tuple[str, str]]:
    """Return the texts before and after each colon of a text such as ``0-2:1,5:3``."""
    return [(item.partition(":")[0], item.partition(":")[2]) for item in filter(None, text.split(","))]


class Shard:
    """One shard document, read without the product's code."""

    def __init__(self, document: Document) -> None:
        spec, state = document["spec"], document["state"]
        self.name = document["metadata"]["name"]
        self.phase, self.base, self.index = Phase(spec["phase"]), spec["epoch"], spec["shard"]
        self.first, self.count, self.epoch, self.next = spec["first"], spec["count"], state["epoch"], state["next"]
        self.done, self.redo, self.failed = (numbers(state[key]) for key in ("done", "redo", "failed"))
        self.claims = {claim_id: numbers(claim["r"]) for claim_id, claim in state["claims"].items()}
        self._attempts: dict[int, int] = {
            task: int(value) for item, value in pairs(state["att"]) for task in numbers(item)
        }

    def attempt(self, task: int) -> int:
        """Return the attempt number of a task. For a committed task, this is the winner."""
        return int(self._attempts.get(task, self.base * STRIDE))

    @property
    def held(self) -> set[int]:
        return set().union(*self.claims.values())


def check_shard(before: Document | None, after: Document) -> None:
    new = Shard(after)
    unissued = set(range(new.next, new.count))
    places = [unissued, new.redo, new.done, new.failed, *new.claims.values()]
    assert sorted(task for place in places for task in place) == list(range(new.count)), f"(c) {new.name}: {after}"
    if before is None:
        return
    old = Shard(before)
    assert new.next >= old.next, f"{new.name}: next went down"
    assert new.epoch >= old.epoch, f"{new.name}: the epoch went down"
    for task in range(new.count):
        where = f"{new.name} task {task}"
        assert new.attempt(task) >= old.attempt(task), f"{where}: the attempt number went down"
        if task in old.done & new.done:
            assert new.attempt(task) == old.attempt(task), f"(b) {where}: another winner"
        elif task in old.done:
            assert new.epoch > old.epoch, f"(b) {where}: no longer done without a new epoch"
        elif task in new.done:
            gone = [claim for claim in old.claims if claim not in new.claims and task in old.claims[claim]]
            assert gone, f"(b) {where}: won without a claim"
            assert new.attempt(task) == old.attempt(task), f"(b) {where}: an attempt won that was not held"


def check_job(before: Document | None, after: Document) -> None:
    if before is None:
        return
    old, new = before["status"], after["status"]
    states = JobState(old["state"]), JobState(new["state"])
    assert states[0] == states[1] or states in LEGAL_STATES, f"{states[0]} -> {states[1]}"
    is_anew = states == (JobState.COMPLETE, JobState.PENDING)
    if old["state"] == "COMPLETE" and not is_anew:
        assert {**new, "cleaned": False} == {**old, "cleaned": False}, "a change after the end"
    assert new["turn"] >= old["turn"], "the turn went down"
    for phase, lanes in old["lanes"].items():
        for number, lane in lanes.items():
            assert new["lanes"][phase][number]["turn"] >= lane["turn"], "the turn of a lane went down"
    assert not old["publishing"] or new["publishing"] or is_anew, "back from the point of no return"
    if old["plan"]:
        may_change = dict.fromkeys(("spec", "files", "fingerprint"))
        assert {**new["plan"], **may_change} == {**old["plan"], **may_change}, "the plan changed"
        same_retry = (old["retry"], old["plan"]["fingerprint"] != "") == (new["retry"], True)
        assert not same_retry or new["plan"] == old["plan"], "the spec of a settled plan changed without a retry"


def check_all(history: History, storage: Storage) -> None:
    """Check the rules that tie the documents to each other and to the storage."""
    job = history.all("MapReduceJob")[0]["status"]
    shards = {(s.phase, s.base, s.index): s for s in map(Shard, history.all("TaskShard"))}
    winners = _check_closed(job, shards, storage)
    _check_outputs(job, shards, storage)
    _check_visible(job, winners, storage)


def _check_closed(job: dict[str, Any], shards: dict[Any, Shard], storage: Storage) -> dict[Phase, dict[int, int]]:
    winners: dict[Phase, dict[int, int]] = {}
    for name, lanes in job["lanes"].items():
        phase, base = Phase(name), job["bases"].get(name, 0)
        of_phase: dict[int, int] = {}
        closed = {index for lane in lanes.values() for index in numbers(lane["closed"])}
        for index in closed:
            shard = shards[phase, base, index]
            epoch = _wanted_epoch(job, name, index)
            assert shard.epoch == epoch, f"(d) {shard.name}: closed without the reopening of epoch {epoch}"
            assert len(shard.done) == shard.count, f"(d) {shard.name}: closed and not covered"
            won = tuple(shard.attempt(task) for task in range(shard.count))
            assert storage.manifests.get((phase, epoch, index)) == won, f"(d) {shard.name}: the manifest is another"
            of_phase |= {shard.first + task: attempt for task, attempt in enumerate(won)}
        winners[phase] = of_phase
        if closed == {index for lane in lanes.values() for index in numbers(lane["counted"])}:
            counted = sum([lane["counters"].get("test", {}).get("sum", 0) for lane in lanes.values()])
            wanted = sum([amount(phase, task, attempt) for task, attempt in of_phase.items()])
            assert counted == wanted, f"(d) {name}: counted {counted}, the winners make {wanted}"
    return winners


def _wanted_epoch(job: dict[str, Any], phase: str, index: int) -> int:
    orders = job["reopened"].get(phase, {}).get(str(index), "")
    epochs = [int(order.split(".")[0]) for order in filter(None, orders.split(","))]
    return max([int(job["bases"].get(phase, 0)), *epochs])


def _check_outputs(job: dict[str, Any], shards: dict[Any, Shard], storage: Storage) -> None:
    """Check that committed outputs exist, unless the machine has spoiled them. No worker deletes them."""
    for (phase, base, _), shard in shards.items():
        if base != job["bases"].get(phase.value, 0) or phase is Phase.PUBLISH:
            continue
        for task in shard.done:
            number, attempt = shard.first + task, shard.attempt(task)
            output = (phase, number, attempt)
            is_there = output in storage.outputs | storage.spoiled or storage.visible.get(number) == attempt
            assert is_there, f"{output} is committed and gone"


def _check_visible(job: dict[str, Any], winners: dict[Phase, dict[int, int]], storage: Storage) -> None:
    state = job["state"]
    if not job["plan"]:
        assert not storage.visible, "(e) visible without a plan"
        return
    output_phase = Phase.REDUCE if job["plan"]["partitions"] else Phase.MAP
    if storage.success_epoch < job["bases"].get(output_phase.value, 0) and job["replaces"]:
        stands = storage.success == storage.visible
        assert stands or (job["publishing"] and storage.success is None), "(e) half of the old result"
    elif state in ("FAIL", "CANCELLED"):
        assert not storage.visible, f"(e) {state} with visible parts"
    elif storage.success is not None:
        assert storage.success == storage.visible == winners[output_phase], "(e) _SUCCESS is not what is there"
    if state == "COMPLETE":
        assert storage.success is not None, "(e) COMPLETE without _SUCCESS"
