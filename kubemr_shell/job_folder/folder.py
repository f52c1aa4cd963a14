"""The state of one run on this machine: a folder with the board, the temporaries and the files of the workers.

For a run into a folder, the state is in ``<output>/_kubemr/<uid>/``. For results in S3 or on stdout, it is in a
folder under the state home. With ``--tmp``, the temporaries (plan, journal, map outputs) are in ``<tmp>/<uid>/``
instead. Parts are always staged in the storage of the output.
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
from kubemr_shell.job.spec_mappings import S3Spec
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.storage.locate import locate, scheme_of
from kubemr_shell.worker.workspace import Workspace

STATE_NAME = names.STATE
"""The name of the folder in an output that holds the state of its jobs."""
BOARD_NAME = "board.sqlite"
"""The name of the file with the board."""
FACTS_NAME = "run.json"
"""The name of the file with the facts that a run keeps about its job, such as its name and where its bytes are."""
JOB_NAME = "job"
"""The name of the only job on the board of a run."""
TEMPORARIES = ("plan", "map", "journal")
"""The folders for temporaries, which ``--tmp`` moves."""
LOCAL_FOLDERS = ("logs", "scratch", "workers")
"""The folders that are always in the state folder, also with ``--tmp``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFolder:
    """The state folder of one job, and the names inside it."""

    root: str
    output: str
    """The URI of the folder or prefix for the parts."""
    s3: S3Spec = field(default=S3Spec())
    """The way to reach the object store, unless the folder remembers another one (``remember_s3``)."""
    board_name: str = BOARD_NAME

    @property
    def uid(self) -> str:
        """Return the uid of the job."""
        return os.path.basename(self.root)

    @property
    def is_for_stdout(self) -> bool:
        """Return whether the results go to stdout. The parts stay in the state folder until they are written there."""
        return os.path.dirname(self.output) == self.root

    @property
    def marker(self) -> bytes:
        """Return the environment variable by which the commands of this job can be recognised, as ``NAME=value``."""
        return f"KUBEMR_JOB_ID={self.uid}".encode()

    @property
    def board(self) -> str:
        """Return the path of the board."""
        return os.path.join(self.root, self.board_name)

    @property
    def scratch(self) -> str:
        """Return the path of the folder that holds the scratch folders of the workers."""
        return os.path.join(self.root, "scratch")

    @property
    def logs(self) -> str:
        """Return the path of the folder for logs."""
        return os.path.join(self.root, "logs")

    @property
    def stdin_copy(self) -> str:
        """Return the path of the copy of standard input."""
        return os.path.join(self.root, "stdin")

    @property
    def list_copy(self) -> str:
        """Return the path of the copy of the list of inputs."""
        return os.path.join(self.root, "inputs-from")

    def worker_file(self, worker: str, kind: str) -> str:
        """Return the path of a file of one worker. ``kind`` is ``lock``, ``groups`` or ``progress``."""
        return os.path.join(self.root, "workers", f"{worker}.{kind}")

    def workers(self) -> list[str]:
        """Return the names of all workers that ever started on this job, in order."""
        try:
            names = os.listdir(os.path.join(self.root, "workers"))
        except FileNotFoundError:  # the run was killed while it made or removed the folder
            return []
        return sorted(name.removesuffix(".lock") for name in names if name.endswith(".lock"))

    def forget_workers(self) -> None:
        """Remove the files of all workers. No worker may be alive."""
        LocalStorage().delete_tree(os.path.join(self.root, "workers"))
        self.make_folders()

    @property
    def stage(self) -> str:
        """Return the URI of the folder for staged parts, which is in the same storage as the output."""
        if scheme_of(self.output) == "file":
            return os.path.join(self.root, "stage")
        return f"{self.output}/{STATE_NAME}/{self.uid}/stage"

    def workspace(self, scratch: str = "", *, workers: int = 1) -> Workspace:
        """Return the workspace of one of ``workers`` worker processes. ``scratch`` is its scratch folder."""
        temporaries, s3 = self.temporaries, S3Config.of(self._s3, workers=workers)
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
        """Return the value of ``--tmp`` with which the job was made, or None."""
        tmp: str | None = self._facts().get("tmp")
        return tmp

    @property
    def temporaries(self) -> str:
        """Return the URI of the folder with the job's plan, journal and map outputs."""
        if self.tmp is None:
            return self.root
        adopted: str | None = self._facts().get("temporaries")
        return adopted or f"{self.tmp}/{self.uid}"

    @property
    def name(self) -> str:
        """Return the name of the job."""
        return str(self._facts()["name"])

    def old_parts(self) -> tuple[str, ...] | None:
        """Return the parts of the result that this job replaces, or None if it replaces no result."""
        parts = self._facts()["oldParts"]
        return None if parts is None else tuple(parts)

    @contextmanager
    def worker_scratch(self, worker: str) -> Iterator[str]:
        """Make a scratch folder for one worker and yield its path. Remove the folder at the end.

        If the worker is killed, the folder is removed with the job.
        """
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
        """Make the folder of a new job, which will replace ``old_parts`` in the output.

        Folders outside the state folder are made last. So the state folder always names them, and whoever removes a
        half-made job finds all of it.
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
        """Make the folders for the files of workers, which hold no results. Folders that exist stay as they are."""
        for folder in LOCAL_FOLDERS:
            LocalStorage().make_folder(os.path.join(self.root, folder))

    def note_old_parts(self, old_parts: tuple[str, ...] | None) -> None:
        """Note that the next job, which takes over these temporaries, replaces ``old_parts``. Note their place too."""
        elsewhere = None if self.tmp is None else self.temporaries
        self._write_facts({**self._facts(), "oldParts": old_parts, "temporaries": elsewhere})

    def remember_s3(self, s3: S3Spec) -> None:
        """Note how to reach the object store from now on."""
        self._write_facts({**self._facts(), "s3": asdict(s3)})

    @property
    def _s3(self) -> S3Spec:
        try:
            return S3Spec(**self._facts()["s3"])
        except StorageError:  # the run was killed before it wrote the file, or this machine has no state of the job
            return self.s3

    def _write_facts(self, facts: dict[str, Any]) -> None:
        LocalStorage().write(self._facts_path, json.dumps(facts).encode())

    @property
    def _facts_path(self) -> str:
        return os.path.join(self.root, FACTS_NAME)

    def _facts(self) -> dict[str, Any]:
        return read_facts(self._facts_path)

    def remove(self) -> None:
        """Remove the job. The board goes first: a folder without a board is no job; a later run removes the rest."""
        with suppress(FileNotFoundError):
            os.unlink(self.board)
        if scheme_of(self.output) != "file":
            locate(self.output, S3Config.of(self._s3)).delete_tree(os.path.dirname(self.stage))
        self.remove_temporaries()
        LocalStorage().delete_tree(self.root)

    def remove_temporaries(self) -> None:
        """Remove the temporaries that are outside the state folder because of ``--tmp``."""
        try:
            temporaries = self.temporaries
        except StorageError:  # the run was killed before it made anything outside the state folder
            return
        if temporaries != self.root:
            locate(temporaries, S3Config.of(self._s3)).delete_tree(temporaries)


def read_facts(path: str) -> dict[str, Any]:
    """Return the facts that a run has written about its job. Raise StorageError if the file is missing or damaged."""
    try:
        with open(path) as file:
            facts: dict[str, Any] = json.load(file)
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: gone or damaged ({error}): start again with --overwrite") from error
    return facts
