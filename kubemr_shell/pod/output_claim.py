"""Whether a job of a cluster may have its output: asked once, by the worker that plans it.

In its own namespace the operator gives an output to one job only. Jobs of other namespaces, other clusters and runs on
one machine are told by what they keep in the output. So a job leaves its mark there first and looks for others' then:
of two that come at the same moment each finds the other, and none believes that it is alone.
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
    """What one job wants of one output. ``job`` is its name, for people."""

    storage: Storage
    places: Places
    job: str
    old_result: OldResult

    def refusal(self) -> str | None:
        """Why a job that has published nothing may not have this output; None: it may, and others see that it has it.

        One that began all the same could only stand still in the end, with the half of its parts that had room.
        """
        mark = f"{self.places.temporaries}/{names.OWNER}"
        try:
            self.storage.write(mark, f"{self.job}\n".encode())
            found = self._in_the_way()
        except NoManifest:
            found = f"a {names.SUCCESS} that is not ours: move it away, or choose another output"
        except ObjectNotFound as error:  # there is no bucket
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
        """Names of parts that are taken."""
        return filter(names.is_part_name, self._names_below(f"{self.places.output}/", names.PART))

    def _other_jobs(self) -> Iterator[str]:
        """Names of other jobs' temporaries, or of what a run without a cluster owns the output by."""
        found = self._names_below(f"{self.places.output}/{names.STATE}/")
        others = (name for path in found if (name := path.partition("/")[0]) != self.places.uid)
        return (name for name in others if name == names.OWNER or names.is_uid(name))

    def _names_below(self, folder: str, prefix: str = "") -> Iterator[str]:
        return (one.uri.removeprefix(folder) for one in self.storage.list(folder + prefix))
