"""What the operator sees of one job at one moment. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from kubemr_shell.board.job_view import JobView, parse_job
from kubemr_shell.board.progress import Progress
from kubemr_shell.errors import InvalidSpec, Problem
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.state import ENDED
from kubemr_shell.job.validate import load_job, spec_from_mapping
from kubemr_shell.kube.owners import is_owned
from kubemr_shell.kube.stamps import seconds_of, stamp_of
from kubemr_shell.kube.status import Object, is_being_deleted, status_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is in the way of a job or of a pod, or why a pod ended; ``reason`` in one word."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOwner:
    """The job that owns an output."""

    uid: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Observation:
    """Objects as the API server has them. ``now`` is in seconds since 1970: it is only compared with the server's."""

    job: Object
    batch: Object | None
    """The batch/v1 Job of the workers."""
    cleanup: Object | None
    """The one that removes the temporaries of a job that is being deleted: the last one that was made."""
    others: Sequence[Object] = field(default=())
    """Batch Jobs of workers beside ``batch``: those of earlier retries."""
    pods: Sequence[Object] = field(default=())
    """Of the workers, those of earlier retries too."""
    cleanup_pods: Sequence[Object] = field(default=())
    obstacle: Trouble | None = None
    """Why what the job needs cannot be had or made just now."""
    output_owner: OutputOwner | None = None
    """The living job that owns the output which a job wants that waits to be deployed."""
    files_are_missing: bool = False
    """Who submitted it has not sent its files yet, or was interrupted before."""
    shipped: Mapping[str, str] = field(default_factory=dict)
    """The pins of the files that travel with the job, by their paths in pods, when another try is asked for."""
    account_is_missing: bool = False
    """Somebody has deleted that of its workers: no pod of theirs can be made."""
    progress: Progress | None = None
    is_stalled: bool | None = None
    """Whether nothing has been done in the job for long; None: this operator does not know it yet."""
    now: float

    @property
    def name(self) -> str:
        return str(self.job["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.job["metadata"]["namespace"])

    @property
    def uid(self) -> str:
        return str(self.job["metadata"]["uid"])

    @property
    def generation(self) -> int:
        """Of the spec."""
        return int(self.job["metadata"].get("generation", 0))

    @property
    def status(self) -> Object:
        return status_of(self.job)

    @property
    def present_pods(self) -> Sequence[Object]:
        """Of the workers of ``batch``."""
        return [pod for pod in self.pods if self.batch is not None and is_owned(pod, self.batch)]

    @cached_property
    def spec(self) -> JobSpec:
        """As it stands there now; InvalidSpec."""
        return load_job(dict(self.job), "").spec

    @cached_property
    def pods_spec(self) -> JobSpec:
        """The spec by which pods are made: as it stands there now, but with the image and the store of the plan.

        Pods that are made anew in the middle of a job are to be like those before them. A job that is deleted may have
        a status that nobody can read.
        """
        if self.is_deleted or self.view.plan is None:
            return self.spec
        planned = spec_from_mapping(self.view.spec)
        return replace(self.spec, image=planned.image, s3=planned.s3)

    @cached_property
    def problems(self) -> Sequence[Problem]:
        """What is wrong with the spec."""
        try:
            self.spec  # noqa: B018 - whether it can be had
        except InvalidSpec as error:
            return error.problems
        return ()

    @cached_property
    def view(self) -> JobView:
        return parse_job(dict(self.job))

    @property
    def is_asked_to_retry(self) -> bool:
        """Whether its user has asked for another try that was not decided yet."""
        return bool(self.job["spec"].get("retry", 0) > self.status.get("observedRetry", 0))

    @property
    def has_ended(self) -> bool:
        return self.view.state in ENDED

    @property
    def is_deleted(self) -> bool:
        return is_being_deleted(self.job)

    def since(self, stamp: str | None) -> float:
        """Seconds from a time stamp of Kubernetes to now; 0 without one."""
        return 0.0 if not stamp else self.now - seconds_of(stamp)

    @property
    def stamp(self) -> str:
        """Now, as Kubernetes writes it."""
        return stamp_of(self.now)
