"""The settings of a job that say how to reach the S3 server. boto3's own chain finds the settings that are left out."""

from __future__ import annotations

from dataclasses import dataclass

from kubemr_shell.job.spec_mappings import S3Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsAdvice:
    """The advice to a user whose credentials do not work. The advice depends on where the credentials come from."""

    if_missing: str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or make a profile in ~/.aws"
    if_wrong: str = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile"
    if_refused: str = "check the credentials and the bucket's policy"
    """The advice if the server knows the credentials, but they lack a permission."""


ON_A_MACHINE = CredentialsAdvice()
"""The advice for jobs that run on the user's machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Config:
    """A configuration of a client. Equal configurations share one client, its connections, and its limit of requests.

    The credentials, and an endpoint or region that is None, come from the places where boto3 looks for them: the
    environment, the files in ``~/.aws``, and the role of the machine or pod.
    """

    endpoint: str | None = None
    region: str | None = None
    path_style: bool | None = None
    """Whether the bucket is in the path of a URL. With None, the bucket is there unless the server is Amazon's."""
    ca_bundle: str | None = None
    requester_pays: bool = False
    max_requests_per_second: float | None = None
    """The limit of requests of this process; None for no limit."""
    advice: CredentialsAdvice = ON_A_MACHINE
    keys: str | None = None
    """A folder with credentials in files (``s3_keys``). They are used once the first credentials are refused."""
    refused_seconds: float = 0.0
    """The seconds for which requests wait for new credentials when credentials that have worked are refused."""

    @classmethod
    def of(
        cls,
        spec: S3Spec,
        *,
        workers: int = 1,
        advice: CredentialsAdvice = ON_A_MACHINE,
        keys: str | None = None,
        refused_seconds: float = 0.0,
    ) -> S3Config:
        """Return the configuration for a job. ``workers`` worker processes share the job's limit of requests."""
        limit = spec.max_requests_per_second
        return cls(
            endpoint=spec.endpoint,
            region=spec.region,
            path_style={"always": True, "never": False}.get(spec.path_style),
            ca_bundle=spec.ca_bundle,
            requester_pays=spec.requester_pays,
            max_requests_per_second=None if limit is None else limit / workers,
            advice=advice,
            keys=keys,
            refused_seconds=refused_seconds,
        )
