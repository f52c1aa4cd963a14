"""The old result in the output, which another job or earlier reduce tasks of this job have made.

The old result stays until the new result is published. First its ``_SUCCESS`` is removed, so that no reader takes a
mixture for a result. Then its parts are replaced one by one. Surplus parts are removed before the new ``_SUCCESS``
appears. Only names that the old ``_SUCCESS`` lists are ever removed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from kubemr_shell.errors import ObjectNotFound, Sequel, StorageError
from kubemr_shell.job import names
from kubemr_shell.storage.interface import Storage


class NoManifest(StorageError):
    """The object with the name ``_SUCCESS`` is not a manifest of kubemr-shell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The identity of a result."""

    uid: str
    """The uid of the job."""
    epoch: int
    """The epoch of the result: a job whose reduce tasks run again makes several results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OldResult:
    """The result that was in ``output`` when the job ``uid`` began."""

    storage: Storage
    output: str
    uid: str
    parts: tuple[str, ...] | None
    """The names of its parts. None: there was no result, so no file in the place of a part may be replaced."""

    @property
    def exists(self) -> bool:
        """Return whether there was a result when the job began."""
        return self.parts is not None

    def finished(self) -> Result | None:
        """Return the job and epoch that ``_SUCCESS`` in the output names now, or None if there is no ``_SUCCESS``.

        The job may be another one. Raise NoManifest if the file is not a manifest of kubemr-shell.
        """
        try:
            manifest = json.loads(self.storage.read(self._success))
            return Result(uid=manifest["uid"], epoch=manifest["epoch"])
        except ObjectNotFound:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise NoManifest(
                f"{self._success}: this file is not a result of kubemr-shell: move it away",
                sequel=Sequel.GOES_ON,
            ) from error

    def is_finished(self, epoch: int) -> bool:
        """Return whether the output now holds the result of this job and this epoch."""
        return self.finished() == Result(uid=self.uid, epoch=epoch)

    def stands(self, epoch: int) -> bool:
        """Return whether the old ``_SUCCESS`` is still there.

        A late worker may find the ``_SUCCESS`` of its own job and epoch, or of a later epoch, which is not old.
        """
        found = self.finished() if self.exists else None
        return found is not None and (found.uid != self.uid or found.epoch < epoch)

    def remove_success(self) -> None:
        """Remove the old ``_SUCCESS``."""
        self.storage.delete(self._success)

    def remove_others(self, kept: set[str]) -> None:
        """Remove the old parts whose names are not in ``kept``."""
        for name in self.parts or ():
            if name not in kept:
                self.storage.delete(f"{self.output}/{name}")

    @property
    def _success(self) -> str:
        return f"{self.output}/{names.SUCCESS}"
