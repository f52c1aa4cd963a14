"""The finished result that a job replaces, or earlier reduces of its own: it stays until the new one is published.

Its ``_SUCCESS`` goes first, so that nobody takes a mixture for a result; its parts are replaced one by one; what it
had more is removed before the new ``_SUCCESS`` appears. Only names that the old ``_SUCCESS`` lists are ever removed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from kubemr_shell.errors import ObjectNotFound, Sequel, StorageError
from kubemr_shell.job import names
from kubemr_shell.storage.interface import Storage


class NoManifest(StorageError):
    """What stands under the name of ``_SUCCESS`` is not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What tells one result from all others."""

    uid: str
    """Of the job."""
    epoch: int
    """A job whose reduces are done again makes one result after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OldResult:
    """What stood in ``output`` when job ``uid`` began."""

    storage: Storage
    output: str
    uid: str
    parts: tuple[str, ...] | None
    """None: there was none, so whatever stands in the way of a part is not ours."""

    @property
    def exists(self) -> bool:
        return self.parts is not None

    def finished(self) -> Result | None:
        """Which ``_SUCCESS`` stands in the output now; NoManifest."""
        try:
            manifest = json.loads(self.storage.read(self._success))
            return Result(uid=manifest["uid"], epoch=manifest["epoch"])
        except ObjectNotFound:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise NoManifest(
                f"{self._success}: something that this job did not write stands there: move it away",
                sequel=Sequel.GOES_ON,
            ) from error

    def is_finished(self, epoch: int) -> bool:
        """This job's result of that epoch stands there."""
        return self.finished() == Result(uid=self.uid, epoch=epoch)

    def stands(self, epoch: int) -> bool:
        """Its ``_SUCCESS`` is still there; one who is late finds that of his own job and epoch, or of a later one."""
        found = self.finished() if self.exists else None
        return found is not None and (found.uid != self.uid or found.epoch < epoch)

    def remove_success(self) -> None:
        self.storage.delete(self._success)

    def remove_others(self, kept: set[str]) -> None:
        """Remove the old parts that the new result has no part for."""
        for name in self.parts or ():
            if name not in kept:
                self.storage.delete(f"{self.output}/{name}")

    @property
    def _success(self) -> str:
        return f"{self.output}/{names.SUCCESS}"
