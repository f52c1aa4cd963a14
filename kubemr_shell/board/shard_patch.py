"""The JSON Patch between two states of a shard. The patch tests all values on which the change depends. Pure.

- A changed field is tested with its old value: done, redo, next, the attempt numbers, the counts, the tasks of a claim.
- If tasks get a holder, the patch tests the attempt numbers and ``next``, whether they change or not.
- If a claim counts as expired, the patch tests its heartbeat, so that a renewal saves the claim.
- If a task fails for good, the patch tests the retry. Otherwise the job might neither fail nor run the task again.
- Other fields are not tested, so that renewals and other claims never make a patch fail.
"""

from __future__ import annotations

from collections.abc import Collection

from kubemr_shell.board.ranges import Ranges
from kubemr_shell.board.shard_state import NUMBERS, SCALARS, ShardState, format_field
from kubemr_shell.board.stores.documents import Operation
from kubemr_shell.board.stores.json_patch import add, remove, replace, test
from kubemr_shell.board.task_numbers import format_numbers


def shard_patch(uid: str, old: ShardState, new: ShardState, *, expired: Collection[str] = ()) -> list[Operation]:
    """Return the operations that turn ``old`` into ``new``. Return no operations if the states are equal."""
    if new == old:
        return []
    tests: list[Operation] = [test("/metadata/uid", uid)]
    changes: list[Operation] = []
    _scalars(old, new, tests, changes)
    _claims(old, new, tests, changes)
    tests += [test(f"/state/claims/{claim_id}/hb", old.claims[claim_id].beat) for claim_id in expired]
    tests += _issue_tests(old, new)
    if old.failed != new.failed and old.retry == new.retry:
        tests.append(test("/state/retry", old.retry))
    return tests + changes


def _scalars(old: ShardState, new: ShardState, tests: list[Operation], changes: list[Operation]) -> None:
    for formatted, keys in ((format_field, SCALARS), (format_numbers, NUMBERS)):
        for name, key in keys.items():
            before, after = getattr(old, name), getattr(new, name)
            if before != after:
                tests.append(test(f"/state/{key}", formatted(before)))
                changes.append(replace(f"/state/{key}", formatted(after)))
    if old.task_us != new.task_us:
        changes.append(replace("/state/us", new.task_us))
    if old.failure != new.failure:
        changes.append(replace("/state/failure", format_field(new.failure)))


def _claims(old: ShardState, new: ShardState, tests: list[Operation], changes: list[Operation]) -> None:
    for claim_id, claim in old.claims.items():
        after = new.claims.get(claim_id)
        if after == claim:
            continue
        path = f"/state/claims/{claim_id}"
        tests.append(test(f"{path}/r", str(claim.tasks)))
        changes.append(remove(path) if after is None else replace(f"{path}/r", str(after.tasks)))
    for claim_id, claim in new.claims.items():
        if claim_id not in old.claims:
            changes.append(add(f"/state/claims/{claim_id}", format_field(claim)))


def _issue_tests(old: ShardState, new: ShardState) -> list[Operation]:
    """Return the tests of unchanged values that are needed because tasks of ``redo`` get a holder.

    No task from ``next`` on has an attempt number of its own, so the test of ``next`` is enough for these tasks.
    """
    issued = Ranges()
    for claim_id, claim in new.claims.items():
        if claim_id not in old.claims:
            issued |= claim.tasks & old.redo
    if not issued:
        return []
    tests = [test("/state/next", old.next)] if old.next == new.next else []
    if old.attempts == new.attempts:
        tests.append(test("/state/att", format_numbers(old.attempts)))
    return tests
