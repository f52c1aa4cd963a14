"""What an installation decides for all its jobs."""

from __future__ import annotations

from dataclasses import dataclass, field

from kubemr_shell import __version__
from kubemr_shell.board.timing import LEASE_SECONDS
from kubemr_shell.operator.worker_template import WorkerTemplate

BASE_IMAGE = f"kubemr/base:{__version__}"
STALLED_SECONDS = 600.0
"""Workers show much more often that they live; only what nobody works on stands still for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorOptions:
    """None: not set, and what a job needs of it the job has to say itself."""

    namespace: str | None = None
    """Jobs of this namespace alone; None: of all."""
    image: str = BASE_IMAGE
    """Of jobs that name none."""
    output_root: str | None = None
    """The template for the outputs of jobs that name none; see ``output_root.py``."""
    s3_endpoint: str | None = None
    s3_region: str | None = None
    s3_secret: str | None = None
    """The Secret, in the job's namespace, with the credentials of jobs that name none."""
    worker_template: WorkerTemplate = field(default_factory=dict)
    """Merged over the pods of all jobs, before the template of each job."""
    job_ttl: int | None = None
    """Seconds after its end when a job is removed that says no ``ttlSecondsAfterFinished``; None: never."""
    pod_ttl: int | None = None
    """Seconds after the end of a job when its pods are removed, and with them their logs; None: with the job."""
    stalled_after: float = STALLED_SECONDS
    """Seconds in which nothing is done in a job until that is said."""
    log_format: str = "text"
    """Of the operator and of the pods of jobs: ``text``, or ``json``."""
    lease_seconds: float = LEASE_SECONDS
    """A worker shows that it lives at least that often, and is taken for dead after two and a half times as long."""
