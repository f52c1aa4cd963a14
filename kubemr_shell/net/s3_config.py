"""How the object store is reached: what a job says of it. What is left open, boto3's own chain finds."""

from __future__ import annotations

from dataclasses import dataclass

from kubemr_shell.job.spec import S3Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsAdvice:
    """What a user does whose credentials are not there, or wrong: it depends on where they come from."""

    if_missing: str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or make a profile in ~/.aws"
    if_wrong: str = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile"
    if_refused: str = "check the credentials and the bucket's policy"
    """They are known, and have too few rights."""


ON_A_MACHINE = CredentialsAdvice()


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Config:
    """Equal configurations share one client, with its connections and its limit of requests.

    Credentials, and an endpoint or region that is None, come from where boto3 looks for them: the environment, the
    files in ``~/.aws``, the machine's or the pod's role.
    """

    endpoint: str | None = None
    region: str | None = None
    path_style: bool | None = None
    """Bucket in the path. None: with an endpoint."""
    ca_bundle: str | None = None
    requester_pays: bool = False
    max_requests_per_second: float | None = None
    """Of this process."""
    advice: CredentialsAdvice = ON_A_MACHINE
    keys: str | None = None
    """A folder with the credentials in files (``s3_keys``); they count once those of the start are refused."""
    refused_seconds: float = 0.0
    """How long new credentials are waited for when those that have worked are refused."""

    @classmethod
    def of(
        cls,
        spec: S3Spec,
        *,
        agents: int = 1,
        advice: CredentialsAdvice = ON_A_MACHINE,
        keys: str | None = None,
        refused_seconds: float = 0.0,
    ) -> S3Config:
        """Return what a job asks for; its limit of requests is shared by so many processes."""
        limit = spec.max_requests_per_second
        return cls(
            endpoint=spec.endpoint,
            region=spec.region,
            path_style={"always": True, "never": False}.get(spec.path_style),
            ca_bundle=spec.ca_bundle,
            requester_pays=spec.requester_pays,
            max_requests_per_second=None if limit is None else limit / agents,
            advice=advice,
            keys=keys,
            refused_seconds=refused_seconds,
        )
