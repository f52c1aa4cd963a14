"""Makes a new job that takes over the maps of a finished job, which kept its temporaries, for other reduces."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from dataclasses import replace

from kubemr_shell.board.job_copy import copy_with_maps
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.validate import spec_to_mapping
from kubemr_shell.job_folder.folder import JOB_NAME, JobFolder


def take_over_maps(job: JobFolder, spec: JobSpec, *, old_parts: tuple[str, ...] | None) -> JobFolder:
    """Return a new job in the folder of the old job. The old result stays until the new one replaces ``old_parts``.

    The last step makes the new job. If the process is killed before this step, a complete job is left, perhaps in a
    folder of another name. This function can be called again with that job.
    """
    new = replace(job, root=os.path.join(os.path.dirname(job.root), uuid.uuid4().hex))
    begun = replace(job, board_name=f"{job.board_name}.new")
    _remove_board(begun)
    source = SqliteStore(job.board, create=False)
    try:
        target = SqliteStore(begun.board)
        try:
            copy_with_maps(source, target, job=JOB_NAME, uid=new.uid, spec=spec_to_mapping(spec))
        finally:
            target.close()
    finally:
        source.close()
    job.note_old_parts(old_parts)
    job.forget_workers()
    os.rename(job.root, new.root)
    for kind in ("-wal", "-shm"):  # SQLite must not take the files of the old board for those of the new one
        with suppress(FileNotFoundError):
            os.unlink(new.board + kind)
    os.rename(replace(new, board_name=begun.board_name).board, new.board)
    return new


def _remove_board(job: JobFolder) -> None:
    for kind in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.unlink(job.board + kind)
