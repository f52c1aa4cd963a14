"""The options of an operator, which apply to all its jobs."""

from __future__ import annotations

from dataclasses import dataclass, field

from kubemr_shell import __version__
from kubemr_shell.board.timing import LEASE_SECONDS
from kubemr_shell.operator.worker_template import WorkerTemplate

BASE_IMAGE = f"kubemr/base:{__version__}"
"""The image of this version, for the operator and for jobs that name no image."""
STALLED_SECONDS = 600.0
"""The seconds after which a job without changes counts as stalled. Workers send heartbeats much more often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorOptions:
    """The options of one operator. For a default that is None, each job that needs a value must set its own."""

    namespace: str | None = None
    """The namespace whose jobs the operator looks after. None means all namespaces."""
    image: str = BASE_IMAGE
    """The image of jobs that name none."""
    output_root: str | None = None
    """The template for the outputs of jobs that name none; see ``output_root.py``."""
    s3_endpoint: str | None = None
    """The URL of the S3 server of jobs that name none."""
    s3_region: str | None = None
    """The S3 region of jobs that name none."""
    s3_secret: str | None = None
    """The name of the Secret, in the job's namespace, with the credentials of jobs that name none."""
    worker_template: WorkerTemplate = field(default_factory=dict)
    """The template that is merged over the pods of all jobs, before the template of each job."""
    job_ttl: int | None = None
    """The seconds after its end when a job without ``ttlSecondsAfterFinished`` is removed. None means never."""
    pod_ttl: int | None = None
    """The seconds after the end of a job when its pods are removed, with their logs. None means with the job."""
    stalled_after: float = STALLED_SECONDS
    """The seconds without any change after which a job is reported as stalled."""
    log_format: str = "text"
    """The format of the logs of the operator and of the pods of jobs: ``text`` or ``json``."""
    lease_seconds: float = LEASE_SECONDS
    """The most seconds between two heartbeats. A worker counts as dead after 2.5 times as long."""
