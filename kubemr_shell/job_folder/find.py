"""Finds the state folders of jobs on this machine."""

from __future__ import annotations

import os

from kubemr_shell.job import names
from kubemr_shell.job_folder.folder import BOARD_NAME, FACTS_NAME, STATE_NAME, JobFolder, read_facts


def folder_at(root: str) -> JobFolder:
    """Return the job whose state folder is ``root``.

    If the state is inside an output folder, this folder counts as the output, because a user may have moved it.
    """
    root = os.path.abspath(root)
    parent, state = os.path.split(os.path.dirname(root))
    if state == STATE_NAME:
        return JobFolder(root=root, output=parent)
    return JobFolder(root=root, output=read_facts(os.path.join(root, FACTS_NAME))["output"])


def is_job_folder(path: str) -> bool:
    """Return whether a folder is the state folder of a job, that is, whether it holds a board."""
    return os.path.exists(os.path.join(path, BOARD_NAME))


def unfinished_uid(state: str) -> str | None:
    """Return the uid of the job in the folder ``state`` that has a board, or None.

    If a crash has left several such jobs, return the newest.
    """
    try:
        boards = [
            (entry.stat().st_mtime_ns, entry.name)
            for entry in os.scandir(state)
            if names.is_uid(entry.name) and entry.is_dir() and is_job_folder(entry.path)
        ]
    except FileNotFoundError:
        return None
    return max(boards)[1] if boards else None
