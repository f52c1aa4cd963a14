"""The JSON Patch between two states of a job. The patch tests all values on which the change depends. Pure.

The patch tests the old state of the job, and the turn of the part that it changes: the job, a lane, or both. The turn
stands for all other values of its part, because each change raises it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kubemr_shell.board.job_state import JobView, format_status
from kubemr_shell.board.lane import Lane, format_lane
from kubemr_shell.board.steps import RoleName
from kubemr_shell.board.stores.documents import Operation
from kubemr_shell.board.stores.json_patch import replace as replace_operation
from kubemr_shell.board.stores.json_patch import test


def job_patch(
    uid: str, old: JobView, new: JobView, *, holds: RoleName | None = None, expired: RoleName | None = None
) -> list[Operation]:
    """Return the operations that turn ``old`` into ``new``, or no operations if the views are equal.

    ``holds``: the role that permits this change, and that the patch tests.
    ``expired``: the role that is taken from its holder. The patch also tests its heartbeat, so a renewal saves it.
    """
    if new == old:
        return []
    tests = [test("/metadata/uid", uid), test("/status/state", old.state.value)]
    changes: list[Operation] = []
    if old.lanes.keys() == new.lanes.keys():
        for path, lane, changed in _changed_lanes(old, new):
            tests.append(test(f"{path}/turn", lane.turn))
            changes.append(replace_operation(path, format_lane(changed)))
        new = replace(new, lanes=old.lanes)
    if new != old:
        tests.append(test("/status/turn", old.turn))
        new = replace(new, turn=old.turn + 1)
    for name in filter(None, (holds, expired)):
        role = getattr(old, name)
        tests.append(test(f"/status/{name}/id", role.id))
        if name == expired:
            tests.append(test(f"/status/{name}/hb", role.beat))
    before, after = format_status(old), format_status(new)
    changes += [replace_operation(f"/status/{key}", after[key]) for key in after if after[key] != before[key]]
    if new.plan is None and new.spec != old.spec:
        changes.append(replace_operation("/spec", dict(new.spec)))
    return tests + changes


def _changed_lanes(old: JobView, new: JobView) -> Iterator[tuple[str, Lane, Lane]]:
    for phase, lanes in new.lanes.items():
        for number, lane in lanes.items():
            if lane != old.lanes[phase][number]:
                yield f"/status/lanes/{phase.value}/{number}", old.lanes[phase][number], lane
