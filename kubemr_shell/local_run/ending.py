"""Decides what stays of a job when its run ends, and closes the job."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto

from kubemr_shell.errors import KubemrError, ReaderGone
from kubemr_shell.job_folder.board import has_begun
from kubemr_shell.local_run.open_job import Opened, close_job


class Stage(Enum):
    """The stage that a job has reached when its run ends."""

    UNFINISHED = auto()
    """The job has no result. It may have failed."""
    COMPLETE = auto()
    """The job has a result, which the user may not have seen: it may not have reached stdout."""
    DELIVERED = auto()
    """The user has the result."""


@dataclass(kw_only=True)
class Ending:
    """The end of a run, as far as it is known."""

    stage: Stage = Stage.UNFINISHED
    is_by_user: bool = False
    """True if the user ends the run: by a signal, or by closing the reader of stdout."""


def keeps_state(ending: Ending, *, has_output: bool, keep_tmp: bool) -> bool:
    """Return whether to keep the state of a job after its run. Pure.

    With an output, the state of an unfinished job stays for ``--resume``. Without an output, nothing can be resumed,
    but the state stays after an error, so that the user can examine the failure or read the result again.
    """
    if ending.stage is Stage.DELIVERED:
        return keep_tmp and has_output
    if not has_output:
        return not ending.is_by_user
    return keep_tmp or ending.stage is Stage.UNFINISHED


@contextmanager
def closing_job(opened: Opened, *, has_output: bool, keep_tmp: bool) -> Iterator[Ending]:
    """Close the job after the block, which notes in the yielded Ending how the run ends.

    Keep the state of the job if ``keeps_state`` says so and the state holds anything to continue with. Else remove it.
    """
    ending = Ending()
    try:
        yield ending
    except (ReaderGone, KeyboardInterrupt):
        ending.is_by_user = True
        raise
    finally:
        stays = keeps_state(ending, has_output=has_output, keep_tmp=keep_tmp) and has_begun(opened.job)
        close = _close_delivered if ending.stage is Stage.DELIVERED else close_job
        close(opened, remove=not stays)


def _close_delivered(opened: Opened, *, remove: bool) -> None:
    """Close a job whose result the user has. Only warn if temporaries cannot be removed: the run has succeeded."""
    try:
        close_job(opened, remove=remove)
    except KubemrError as error:
        line = f"kubemr-shell clean {shlex.quote(opened.job.output)}"
        way_out = "remove them" if opened.job.is_for_stdout else f"when this is fixed, remove them: {line}"
        print(  # noqa: T201 - the user has to remove them
            f"kubemr-shell: the result is complete, but temporaries are left: {error}: {way_out}", file=sys.stderr
        )
