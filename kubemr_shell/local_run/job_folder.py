"""The state of one run on this machine: a folder with the board, the temporaries and what the workers keep.

For a run into a folder it is ``<output>/_kubemr/<uid>/``; for results on stdout it lies under the state home.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from kubemr_shell.errors import JobNotFound
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.worker.workspace import Workspace

STATE_NAME = "_kubemr"
"""The folder in an output that holds the state of its jobs."""
BOARD_NAME = "board.sqlite"
JOB_NAME = "job"
"""The name of the only job on the board of a run."""
TEMPORARIES = ("plan", "map", "stage", "journal", "logs", "scratch", "workers")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFolder:
    """Names inside the state folder of one job."""

    root: str
    output: str
    board_name: str = BOARD_NAME

    @property
    def uid(self) -> str:
        return os.path.basename(self.root)

    @property
    def marker(self) -> bytes:
        """The variable by which the commands of this job can be told from others."""
        return f"KUBEMR_JOB_ID={self.uid}".encode()

    @property
    def board(self) -> str:
        return os.path.join(self.root, self.board_name)

    @property
    def scratch(self) -> str:
        return os.path.join(self.root, "scratch")

    @property
    def logs(self) -> str:
        return os.path.join(self.root, "logs")

    @property
    def stdin_copy(self) -> str:
        return os.path.join(self.root, "stdin")

    def worker_file(self, worker: str, kind: str) -> str:
        """``lock``, ``groups`` or ``progress`` of one worker."""
        return os.path.join(self.root, "workers", f"{worker}.{kind}")

    def workers(self) -> list[str]:
        """Every worker that ever started on this job."""
        try:
            names = os.listdir(os.path.join(self.root, "workers"))
        except FileNotFoundError:  # killed while the folder was made, or removed
            return []
        return sorted(name.removesuffix(".lock") for name in names if name.endswith(".lock"))

    def workspace(self, scratch: str = "") -> Workspace:
        return Workspace(
            storage=LocalStorage(),
            temporaries=self.root,
            scratch=scratch or self.scratch,
            logs=self.logs,
            output=self.output,
        )

    @property
    def name(self) -> str:
        return str(self._facts()["name"])

    def old_parts(self) -> tuple[str, ...] | None:
        """The parts of the result that this job replaces; None if it replaces none."""
        parts = self._facts()["oldParts"]
        return None if parts is None else tuple(parts)

    @contextmanager
    def worker_scratch(self, worker: str) -> Iterator[str]:
        """A worker's own scratch folder: it is gone when the worker ends, or with the job."""
        path = os.path.join(self.scratch, worker)
        os.mkdir(path)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def make(self, *, name: str, old_parts: tuple[str, ...] | None) -> None:
        """Make the folder of a new job; ``old_parts`` stand in the output and will be replaced."""
        for folder in TEMPORARIES:
            os.makedirs(os.path.join(self.root, folder), exist_ok=True)
        os.makedirs(self.output, exist_ok=True)
        with open(self._facts_path, "w") as file:
            json.dump({"name": name, "oldParts": old_parts}, file)

    @property
    def _facts_path(self) -> str:
        return os.path.join(self.root, "run.json")

    def _facts(self) -> dict[str, Any]:
        with open(self._facts_path) as file:
            facts: dict[str, Any] = json.load(file)
        return facts

    def remove(self) -> None:
        """The board goes first: what a removal that is interrupted leaves is no job any more, and is removed later."""
        with suppress(FileNotFoundError):
            os.unlink(self.board)
        LocalStorage().delete_tree(self.root)


def folder_of_output(output: str, uid: str) -> JobFolder:
    return JobFolder(root=os.path.join(output, STATE_NAME, uid), output=output)


def folder_without_output(state_home: str, uid: str) -> JobFolder:
    root = os.path.join(state_home, "kubemr-shell", uid)
    return JobFolder(root=root, output=os.path.join(root, "results"))


def find_job_folder(path: str) -> JobFolder:
    """The state of the job that ``path`` names: an output folder, or a state folder itself."""
    path = os.path.abspath(path)
    if os.path.exists(os.path.join(path, BOARD_NAME)):
        parent, state = os.path.split(os.path.dirname(path))
        return JobFolder(root=path, output=parent if state == STATE_NAME else os.path.join(path, "results"))
    uid = unfinished_uid(path)
    if uid is None:
        raise JobNotFound(
            f"{path}: there is no unfinished or failed job (a finished one keeps its state with --keep-tmp)"
        )
    return folder_of_output(path, uid)


def unfinished_uid(folder: str) -> str | None:
    """The uid of the job whose board is under the folder; the newest, if a crash left several."""
    state = os.path.join(folder, STATE_NAME)
    try:
        boards = [
            (entry.stat().st_mtime_ns, entry.name)
            for entry in os.scandir(state)
            if entry.is_dir() and os.path.exists(os.path.join(entry.path, BOARD_NAME))
        ]
    except FileNotFoundError:
        return None
    return max(boards)[1] if boards else None
