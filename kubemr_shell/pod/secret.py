"""The advice for users of a cluster whose credentials of the object store are missing or wrong. Pure."""

from __future__ import annotations

from kubemr_shell.net.s3_config import CredentialsAdvice

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
"""The keys that a Secret with credentials must have."""
SUGGESTED = "s3"
"""The name of a Secret that is suggested to a job that names none."""


def credentials_advice(namespace: str, secret: str | None) -> CredentialsAdvice:
    """Return the advice for a pod whose environment comes from ``secret``.

    None: the credentials come from the pod's account or from its template.
    """
    keys = " and ".join(KEYS)
    if secret is None:
        named = f"make a Secret with {keys} and name it in spec.s3.secretName: {_command(namespace, SUGGESTED)}"
        return CredentialsAdvice(if_missing=named, if_wrong=named)
    place = f"the Secret {secret} in the namespace {namespace}"
    command = _command(namespace, secret)
    return CredentialsAdvice(
        if_missing=f"{place} must have the keys {keys}: {command}",
        if_wrong=f"{place} must have the correct {keys}: {command}",
        if_refused=f"check the credentials in {place}, and the bucket's policy",
    )


def _command(namespace: str, secret: str) -> str:
    """Return the command that creates the Secret or changes an existing one."""
    values = " ".join(f"--from-literal={key}=…" for key in KEYS)
    made = f"kubectl create secret generic {secret} -n {namespace} {values} --dry-run=client -o yaml"
    return f"{made} | kubectl apply -f -"
