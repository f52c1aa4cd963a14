"""The observation: everything that the operator has read about one job at one moment. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from kubemr_shell.board.job_state import JobView, parse_job
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
    """A reason why a job or a pod cannot continue, or why a pod ended. ``reason`` is one word."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOwner:
    """The job that owns an output."""

    uid: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Observation:
    """The objects of one job, as the API server has them.

    ``now`` is in seconds since 1970, by the clock of the API server: it is only compared with stamps of that server.
    """

    job: Object
    batch: Object | None
    """The batch/v1 Job of the workers."""
    cleanup: Object | None
    """The batch Job that removes the temporaries of a job that is being deleted. Of several, the last one made."""
    others: Sequence[Object] = field(default=())
    """The batch Jobs of workers of other retries than ``batch``."""
    pods: Sequence[Object] = field(default=())
    """The pods of the workers, including those of earlier retries."""
    vanished: Sequence[str] = field(default=())
    """The workers that are not in ``status.lost``, and whose pods the API server no longer has."""
    cleanup_pods: Sequence[Object] = field(default=())
    """The pods of all cleanups of the job."""
    obstacle: Trouble | None = None
    """The reason why something that the job needs cannot be had or created now."""
    output_owner: OutputOwner | None = None
    """The existing job that owns the output of this job. It is read only while this job waits to be deployed."""
    files_are_missing: bool = False
    """True if the files of the job are not in the cluster: ``submit`` has not sent them yet, or was interrupted."""
    shipped: Mapping[str, str] = field(default_factory=dict)
    """The pins of the files that were sent with the job, by their paths in pods. They are read only for a retry."""
    account_is_missing: bool = False
    """True if the ServiceAccount of the workers was deleted: without it, no pod of the workers can be created."""
    progress: Progress | None = None
    is_stalled: bool | None = None
    """True if no worker has changed the job for long. None if this operator does not know yet."""
    now: float

    @property
    def name(self) -> str:
        """Return the name of the job."""
        return str(self.job["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Return the namespace of the job."""
        return str(self.job["metadata"]["namespace"])

    @property
    def uid(self) -> str:
        """Return the uid of the job."""
        return str(self.job["metadata"]["uid"])

    @property
    def generation(self) -> int:
        """Return the generation of the spec; 0 if the object has none."""
        return int(self.job["metadata"].get("generation", 0))

    @property
    def status(self) -> Object:
        """Return the status of the job; empty before the operator has written one."""
        return status_of(self.job)

    @property
    def present_pods(self) -> Sequence[Object]:
        """Return the pods that belong to ``batch``."""
        return [pod for pod in self.pods if self.batch is not None and is_owned(pod, self.batch)]

    @cached_property
    def spec(self) -> JobSpec:
        """Return the present spec. Raise InvalidSpec if the spec is wrong."""
        return load_job(dict(self.job), "").spec

    @cached_property
    def pods_spec(self) -> JobSpec:
        """Return the spec from which pods are made: the present spec, but with the image and the store of the plan.

        So a pod that is created in the middle of a job is like the pods before it. For a job that is being deleted,
        the present spec is returned: the status of such a job may be unreadable.
        """
        if self.is_deleted or self.view.plan is None:
            return self.spec
        planned = spec_from_mapping(self.view.spec)
        return replace(self.spec, image=planned.image, s3=planned.s3)

    @cached_property
    def problems(self) -> Sequence[Problem]:
        """Return the problems of the spec; empty if the spec is valid."""
        try:
            self.spec  # noqa: B018 - raises if the spec is wrong
        except InvalidSpec as error:
            return error.problems
        return ()

    @cached_property
    def view(self) -> JobView:
        """Return the job as the board understands it. Raise an error if the status makes no sense."""
        return parse_job(dict(self.job))

    @property
    def is_asked_to_retry(self) -> bool:
        """Return whether the user has asked for a retry that the operator has not answered yet."""
        return bool(self.job["spec"].get("retry", 0) > self.status.get("observedRetry", 0))

    @property
    def has_ended(self) -> bool:
        """Return whether the job is in one of the states in which it has ended."""
        return self.view.state in ENDED

    @property
    def is_deleted(self) -> bool:
        """Return whether a user has deleted the job, and its object still exists."""
        return is_being_deleted(self.job)

    def since(self, stamp: str | None) -> float:
        """Return the seconds from a time stamp of Kubernetes to ``now``; 0 without a stamp."""
        return 0.0 if not stamp else self.now - seconds_of(stamp)

    @property
    def stamp(self) -> str:
        """Return ``now`` as a time stamp of Kubernetes."""
        return stamp_of(self.now)
