"""Decides whether a job of a cluster may use its output. The worker that plans the job asks once.

Within a namespace, the operator gives an output to one job only. Jobs of other namespaces, jobs of other clusters and
runs on one machine are recognised by what they keep in the output. So a job first leaves its mark there, and then
looks for other marks. Of two jobs that come at the same moment, each finds the other one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kubemr_shell.errors import ObjectNotFound
from kubemr_shell.job import names
from kubemr_shell.pod.places import Places
from kubemr_shell.storage.interface import Storage
from kubemr_shell.worker.old_result import NoManifest, OldResult


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputClaim:
    """The request of one job for its output. ``job`` is the job's name, for people."""

    storage: Storage
    places: Places
    job: str
    old_result: OldResult

    def refusal(self) -> str | None:
        """Return why a job that has published nothing may not use this output, or None if it may.

        After None, the job's mark is in the output, where other jobs see it. A job that ignored the refusal would get
        stuck in the end, because it could publish only the parts whose names are free.
        """
        mark = f"{self.places.temporaries}/{names.OWNER}"
        try:
            self.storage.write(mark, f"{self.job}\n".encode())
            found = self._in_the_way()
        except NoManifest:
            found = f"a {names.SUCCESS} of another program: move it away, or choose another output"
        except ObjectNotFound as error:  # the bucket does not exist
            return str(error)
        if found is None:
            return None
        self.storage.delete(mark)
        return f"the output {self.places.output} holds {found}"

    def _in_the_way(self) -> str | None:
        finished = self.old_result.finished()
        if finished is not None and finished.uid != self.places.uid:
            return (
                f"a finished result (job {finished.uid}), which a job of a cluster does not replace: choose another "
                f"output, or remove its parts and its {names.SUCCESS} (aws s3 rm --recursive {self.places.output}/) "
                "and retry"
            )
        if finished is None and (part := next(self._parts(), None)):
            return f"{part}, which belongs to no finished result: move it away, or choose another output"
        if other := next(self._other_jobs(), None):
            return (
                f"temporaries of another job ({other}): wait for its end, or choose another output; if that job is "
                f"gone, kubemr-shell clean --force {self.places.output} removes what it left"
            )
        return None

    def _parts(self) -> Iterator[str]:
        """Yield the names of the parts in the output."""
        return filter(names.is_part_name, self._names_below(f"{self.places.output}/", names.PART))

    def _other_jobs(self) -> Iterator[str]:
        """Yield the uids of other jobs with temporaries in the output, and ``owner`` if a run on a machine owns it."""
        found = self._names_below(f"{self.places.output}/{names.STATE}/")
        others = (name for path in found if (name := path.partition("/")[0]) != self.places.uid)
        return (name for name in others if name == names.OWNER or names.is_uid(name))

    def _names_below(self, folder: str, prefix: str = "") -> Iterator[str]:
        return (one.uri.removeprefix(folder) for one in self.storage.list(folder + prefix))
