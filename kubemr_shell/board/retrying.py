"""The decision on a retry, under a spec that may have changed. Pure.

The operator decides by this module. A client uses it to predict the decision of the operator.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum

from kubemr_shell.board import job_moves
from kubemr_shell.board.job_state import JobView
from kubemr_shell.errors import KubemrError
from kubemr_shell.job.fingerprint import changed_fields, kept_in_plan
from kubemr_shell.job.mappings import yaml_name
from kubemr_shell.job.names import file_name
from kubemr_shell.job.scripts import scripts_of_maps
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.state import ENDED, JobState, Phase
from kubemr_shell.job.validate import spec_from_mapping, spec_to_mapping


class Refusal(StrEnum):
    """The reason, in one word, why a retry is refused."""

    NOTHING_TO_RETRY = "NothingToRetry"
    ANOTHER_JOB = "AnotherJob"
    MAPS_GONE = "MapsGone"
    INVALID_SPEC = "InvalidSpec"
    CANCEL_IS_SET = "CancelIsSet"


FOLLOWED = frozenset(
    {"replicas", "suspend", "cancel", "retry", "active_deadline_seconds", "ttl_seconds_after_finished"}
)
"""The fields of a spec that the operator follows while the job runs."""


class RetryRefused(KubemrError):
    """A retry was refused. The message says what to do instead."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


def retried(view: JobView, asked: JobSpec, found: Mapping[str, str]) -> JobView:
    """Return the job as it continues with its uncommitted tasks. Raise RetryRefused if it cannot continue.

    If reduceCommand or compressOutput changes, the maps are kept and the rest runs again. This works for a complete job
    too, if keepTmp has kept its maps. If the content of a file changes that maps may read, the maps run again.

    ``asked``: the present spec of the job.
    ``found``: the pins of the files that travel with the job, by the paths at which pods see these files.
    """
    if view.state not in ENDED:
        raise RetryRefused(
            Refusal.NOTHING_TO_RETRY, f"the job is {view.state}: only a job that has ended can be tried again"
        )
    if view.plan is None:
        return job_moves.retry(view, None)
    old = spec_from_mapping(view.spec)
    new = _completed(asked, old)
    changes = changed_fields(old, new, planned=view.plan.files, found=found)
    forbidden = [*changes.forbidden, *(["output"] if _output(old) != _output(asked) else [])]
    is_complete = view.state is JobState.COMPLETE
    if is_complete and changes.maps:
        forbidden += changes.maps
    if forbidden:
        raise RetryRefused(
            Refusal.ANOTHER_JOB,
            f"a retry cannot change {', '.join(forbidden)}: change it back, or delete the job and submit it again",
        )
    plain = spec_to_mapping(kept_in_plan(new))
    reduce_anew = () if view.plan.map_only else (*changes.reduce_only, *changes.open_phases)
    if not is_complete:
        if changes.maps or (changes.open_phases and not view.is_closed(Phase.MAP)):
            return job_moves.redo_maps(view, plain)
        return job_moves.redo_reduces(view, plain) if reduce_anew else job_moves.retry(view, plain)
    if not reduce_anew:
        raise RetryRefused(Refusal.NOTHING_TO_RETRY, _complete(view))
    if view.cleaned or not old.keep_tmp:
        fields = " and ".join(reduce_anew)
        raise RetryRefused(
            Refusal.MAPS_GONE,
            f"the job is COMPLETE, and its map outputs were removed, because keepTmp was not set. A change of {fields} "
            "needs them: submit a new job, with keepTmp: true if you may change its reduce tasks again",
        )
    return job_moves.reduce_anew(view, plain)


def unused_changes(view: JobView, asked: JobSpec) -> list[str]:
    """Return the fields of ``asked`` that differ from the plan. Workers continue with the fields of the plan."""
    if view.plan is None:
        return []
    old = kept_in_plan(spec_from_mapping(view.spec))
    new = dataclasses.replace(
        kept_in_plan(_completed(asked, old)), output=old.output if _output(old) == _output(asked) else asked.output
    )
    names = [one.name for one in dataclasses.fields(JobSpec) if one.name not in FOLLOWED]
    return [yaml_name(name) for name in names if getattr(old, name) != getattr(new, name)]


def _complete(view: JobView) -> str:
    if view.plan is not None and view.plan.map_only:
        return "the job is COMPLETE, and has no reduce tasks to repeat: for another result, submit a new job"
    return (
        "the job is COMPLETE with this reduceCommand and compressOutput: to repeat its reduce tasks, change one of "
        "them; for another result, submit a new job"
    )


def _completed(asked: JobSpec, old: JobSpec) -> JobSpec:
    """Return the spec that is asked for. Fields that it leaves open come from the plan, or from the image."""
    return dataclasses.replace(
        asked,
        partitions=old.partitions if asked.partitions is None else asked.partitions,
        map_command=asked.map_command or old.map_command,
        combine_command=asked.combine_command or old.combine_command,
        reduce_command=asked.reduce_command or old.reduce_command,
        files=tuple(_placed(path, old.files) for path in asked.files) + _of_image(asked, old),
        archives=tuple(_placed(path, old.archives) for path in asked.archives),
    )


def _placed(path: str, found: tuple[str, ...]) -> str:
    """Return a path as the pods of the earlier try have found it: they make a relative path absolute."""
    return next((one for one in found if one == path or one.endswith(f"/{path}")), path)


def _of_image(asked: JobSpec, old: JobSpec) -> tuple[str, ...]:
    """Return the scripts that pods have added, because their image has them and the map phase's commands use them."""
    known = {file_name(path) for path in asked.files}
    scripts = scripts_of_maps(old) - known
    return tuple(uri for uri in old.files if file_name(uri) in scripts)


def _output(spec: JobSpec) -> str:
    return (spec.output or "").rstrip("/")
