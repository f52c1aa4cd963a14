"""An output that is a folder of this machine."""

from __future__ import annotations

import os
from collections.abc import Generator

from kubemr_shell.errors import ObjectNotFound, UsageError
from kubemr_shell.job.names import is_uid
from kubemr_shell.job.spec_mappings import S3Spec
from kubemr_shell.job_folder.folder import STATE_NAME
from kubemr_shell.outputs.output import LOCK, Hold, LocalHold, Output, jobs_in
from kubemr_shell.storage import ownership
from kubemr_shell.storage.local import ASIDE, LocalStorage
from kubemr_shell.storage.os_errors import explained
from kubemr_shell.storage.regular_file import open_regular

READ_BYTES = 1 << 20
"""The bytes of a part that are read at a time."""


class FolderOutput(Output):
    """A folder as an output. The state of its jobs is in its subfolder ``_kubemr``."""

    kind = "folder"

    def __init__(self, path: str, s3: S3Spec = S3Spec()) -> None:  # noqa: B008 - frozen
        self.uri = path
        self.s3 = s3
        self.storage = LocalStorage()
        self.state = os.path.join(path, STATE_NAME)

    def names(self) -> list[str]:
        try:
            return sorted(os.listdir(self.uri))
        except FileNotFoundError:
            return []
        except NotADirectoryError as error:
            raise UsageError(f"the output {self.uri} is a file: give a folder with -o") from error
        except OSError as error:
            raise explained(error, self.uri) from error

    def uids(self) -> list[str]:
        return jobs_in(self.state)

    def has_leftovers(self) -> bool:
        try:
            names = os.listdir(self.state)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return not names or any(name == LOCK or is_uid(name.removeprefix(ASIDE)) for name in names)

    def sweep(self) -> None:
        """Do nothing: everything that is staged in a folder is in the state of a job."""

    def hold(self, *, replace: bool, force: bool = False) -> Hold:  # noqa: ARG002 - the state is never elsewhere
        while True:
            try:
                self.storage.make_folder(self.state)
                lock = ownership.hold(os.path.join(self.state, LOCK))
            except ObjectNotFound:
                if not os.path.isdir(self.uri):
                    raise  # no folder can be made here, for example in /proc
                continue  # another run has just ended and removed its state
            if lock is None:
                raise UsageError(f"another run is at work in {self.uri}: wait for it, or choose another folder")
            return LocalHold(lock)

    def read_part(self, name: str) -> Generator[bytes]:
        path = os.path.join(self.uri, name)
        try:
            with open(open_regular(path), "rb", buffering=0) as file:
                while data := file.read(READ_BYTES):
                    yield data
        except OSError as error:
            raise explained(error, path) from error
