"""The state of one run on this machine: a folder with the board, the temporaries and what the workers keep.

For a run into a folder it is ``<output>/_kubemr/<uid>/``; for results in S3 or on stdout it lies under the state home.
With ``--tmp`` the temporaries (plan, journal, map outputs) are in ``<tmp>/<uid>/`` instead. Outputs are staged where
they are to appear.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from kubemr_shell.errors import StorageError
from kubemr_shell.job import names
from kubemr_shell.job.spec import S3Spec
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.storage.locate import locate, scheme_of
from kubemr_shell.worker.workspace import Workspace

STATE_NAME = names.STATE
"""The folder in an output that holds what belongs to its jobs."""
BOARD_NAME = "board.sqlite"
FACTS_NAME = "run.json"
JOB_NAME = "job"
"""The name of the only job on the board of a run."""
TEMPORARIES = ("plan", "map", "journal")
HERE = ("logs", "scratch", "workers")
"""What is below the state folder wherever the temporaries are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFolder:
    """Names inside the state folder of one job."""

    root: str
    output: str
    """URI of the folder or prefix for the parts."""
    s3: S3Spec = field(default=S3Spec())
    """How the object store is reached, unless the job remembers another way."""
    board_name: str = BOARD_NAME

    @property
    def uid(self) -> str:
        return os.path.basename(self.root)

    @property
    def is_for_stdout(self) -> bool:
        """Its parts stay in its own state, until they are written to stdout."""
        return os.path.dirname(self.output) == self.root

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

    @property
    def list_copy(self) -> str:
        return os.path.join(self.root, "inputs-from")

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

    def forget_workers(self) -> None:
        """What they were, and what they had done. None is alive."""
        LocalStorage().delete_tree(os.path.join(self.root, "workers"))
        self.make_folders()

    @property
    def stage(self) -> str:
        """URI of the folder for staged outputs: in the same storage as the output."""
        if scheme_of(self.output) == "file":
            return os.path.join(self.root, "stage")
        return f"{self.output}/{STATE_NAME}/{self.uid}/stage"

    def workspace(self, scratch: str = "", *, agents: int = 1) -> Workspace:
        """For one of so many worker processes."""
        temporaries, s3 = self.temporaries, S3Config.of(self._s3, agents=agents)
        return Workspace(
            storage=locate(temporaries, s3),
            temporaries=temporaries,
            scratch=scratch or self.scratch,
            logs=self.logs,
            output_storage=LocalStorage(is_lasting=False) if self.is_for_stdout else locate(self.output, s3),
            output=self.output,
            stage=self.stage,
            s3=s3,
        )

    @property
    def tmp(self) -> str | None:
        """What ``--tmp`` said when the job was made."""
        tmp: str | None = self._facts().get("tmp")
        return tmp

    @property
    def temporaries(self) -> str:
        """URI of the folder with the job's plan, journal and map outputs."""
        if self.tmp is None:
            return self.root
        adopted: str | None = self._facts().get("temporaries")
        return adopted or f"{self.tmp}/{self.uid}"

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

    def make(
        self,
        *,
        name: str,
        old_parts: tuple[str, ...] | None,
        tmp: str | None = None,
    ) -> None:
        """Make the folder of a new job; ``old_parts`` stand in the output and will be replaced.

        What is elsewhere is made last: whoever removes a folder that was half made finds out from it what there is.
        """
        self.make_folders()
        facts = {"name": name, "output": self.output, "oldParts": old_parts, "tmp": tmp, "s3": asdict(self.s3)}
        self._write_facts(facts)
        workspace = self.workspace()
        if scheme_of(self.output) == "file":
            for folder in (self.output, self.stage):
                workspace.output_storage.make_folder(folder)
        for folder in TEMPORARIES:
            workspace.storage.make_folder(f"{workspace.temporaries}/{folder}")

    def make_folders(self) -> None:
        """Make the folders that workers write to and that hold no results; one that is there stays as it is."""
        for folder in HERE:
            LocalStorage().make_folder(os.path.join(self.root, folder))

    def replaces(self, old_parts: tuple[str, ...] | None) -> None:
        """The job that takes over this one's temporaries will replace ``old_parts``, and finds them where they are."""
        elsewhere = None if self.tmp is None else self.temporaries
        self._write_facts({**self._facts(), "oldParts": old_parts, "temporaries": elsewhere})

    def remember_s3(self, s3: S3Spec) -> None:
        """From now on the object store is reached in this way."""
        self._write_facts({**self._facts(), "s3": asdict(s3)})

    @property
    def _s3(self) -> S3Spec:
        try:
            return S3Spec(**self._facts()["s3"])
        except StorageError:  # killed before it was written, or there is no state of this job here
            return self.s3

    def _write_facts(self, facts: dict[str, Any]) -> None:
        LocalStorage().write(self._facts_path, json.dumps(facts).encode())

    @property
    def _facts_path(self) -> str:
        return os.path.join(self.root, FACTS_NAME)

    def _facts(self) -> dict[str, Any]:
        return read_facts(self._facts_path)

    def remove(self) -> None:
        """The board goes first: what a removal that is interrupted leaves is no job any more, and is removed later."""
        with suppress(FileNotFoundError):
            os.unlink(self.board)
        if scheme_of(self.output) != "file":
            locate(self.output, S3Config.of(self._s3)).delete_tree(os.path.dirname(self.stage))
        self.remove_temporaries()
        LocalStorage().delete_tree(self.root)

    def remove_temporaries(self) -> None:
        """Remove what ``--tmp`` has put elsewhere."""
        try:
            temporaries = self.temporaries
        except StorageError:  # killed before anything was elsewhere
            return
        if temporaries != self.root:
            locate(temporaries, S3Config.of(self._s3)).delete_tree(temporaries)


def folder_at(root: str) -> JobFolder:
    """The job whose state is in a folder. An output that is a folder may have been moved, with the state in it."""
    root = os.path.abspath(root)
    parent, state = os.path.split(os.path.dirname(root))
    if state == STATE_NAME:
        return JobFolder(root=root, output=parent)
    return JobFolder(root=root, output=read_facts(os.path.join(root, FACTS_NAME))["output"])


def read_facts(path: str) -> dict[str, Any]:
    """What a run has written of its job; StorageError when it is gone or damaged."""
    try:
        with open(path) as file:
            facts: dict[str, Any] = json.load(file)
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: gone or damaged ({error}): start anew with --overwrite") from error
    return facts


def is_job_folder(path: str) -> bool:
    return os.path.exists(os.path.join(path, BOARD_NAME))


def unfinished_uid(state: str) -> str | None:
    """The uid of the job that has a board in a folder of states; the newest, if a crash left several."""
    try:
        boards = [
            (entry.stat().st_mtime_ns, entry.name)
            for entry in os.scandir(state)
            if names.is_uid(entry.name) and entry.is_dir() and is_job_folder(entry.path)
        ]
    except FileNotFoundError:
        return None
    return max(boards)[1] if boards else None
