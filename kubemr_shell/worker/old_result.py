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

    def refusal(self) -> str | None:
        """Why a job that has published nothing may not have this output; None: it may.

        One that began all the same could only stand still in the end, with the half of its parts that had room.
        """
        try:
            found = self._in_the_way()
        except NoManifest:
            found = f"a {names.SUCCESS} that is not ours: move it away, or choose another output"
        except ObjectNotFound as error:
            return str(error)
        return found and f"the output {self.output} holds {found}"

    def _in_the_way(self) -> str | None:
        """NoManifest. ObjectNotFound when there is no bucket."""
        finished = self.finished()
        if finished is not None and finished.uid != self.uid:
            return (
                f"a finished result (job {finished.uid}), which a job of a cluster does not replace: choose another "
                f"output, or remove its parts and its {names.SUCCESS} (aws s3 rm --recursive {self.output}/) and retry"
            )
        if finished is None and (part := self._some_part()):
            return f"{part}, which belongs to no finished result: move it away, or choose another output"
        if other := self._other_job():
            return (
                f"temporaries of another job ({other}): wait for its end, or choose another output; if that job is "
                f"gone, kubemr-shell clean --force {self.output} removes what it left"
            )
        return None

    def _some_part(self) -> str | None:
        """A name of a part that is taken."""
        found = (one.uri.removeprefix(f"{self.output}/") for one in self.storage.list(f"{self.output}/{names.PART}"))
        return next(filter(names.is_part_name, found), None)

    def _other_job(self) -> str | None:
        """The name of another job's temporaries, or of what a run without a cluster owns the output by."""
        state = f"{self.output}/{names.STATE}/"
        found = (one.uri.removeprefix(state).partition("/")[0] for one in self.storage.list(state))
        return next((name for name in found if name not in ("", self.uid)), None)

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
