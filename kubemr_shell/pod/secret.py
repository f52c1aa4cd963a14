"""Where a pod has the credentials of the object store from, for users who have to mend them. Pure."""

from __future__ import annotations

from kubemr_shell.net.s3_config import CredentialsAdvice

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
SUGGESTED = "s3"
"""The name of a Secret for a job that names none."""


def credentials_advice(namespace: str, secret: str | None) -> CredentialsAdvice:
    """For a pod whose environment is made of ``secret``; None: it has what its account or its template gives it."""
    keys = " and ".join(KEYS)
    if secret is None:
        named = f"make a Secret with {keys} and name it in spec.s3.secretName: {_command(namespace, SUGGESTED)}"
        return CredentialsAdvice(if_missing=named, if_wrong=named)
    place = f"the Secret {secret} in the namespace {namespace}"
    command = _command(namespace, secret)
    return CredentialsAdvice(
        if_missing=f"{place} must have the keys {keys}: {command}",
        if_wrong=f"{place} must have the right {keys}: {command}",
        if_refused=f"check the credentials in {place}, and the bucket's policy",
    )


def _command(namespace: str, secret: str) -> str:
    """Makes the Secret, or changes the one that is there."""
    values = " ".join(f"--from-literal={key}=…" for key in KEYS)
    made = f"kubectl create secret generic {secret} -n {namespace} {values} --dry-run=client -o yaml"
    return f"{made} | kubectl apply -f -"
