"""The output of a job: its URI, and the job that owns it. Pure."""

from __future__ import annotations

import hashlib

from kubemr_shell.job.kinds import JOB_KIND
from kubemr_shell.kube.owners import owners_of
from kubemr_shell.kube.status import Object
from kubemr_shell.net.s3_uri import SCHEME, is_s3
from kubemr_shell.operator.observation import Observation, OutputOwner
from kubemr_shell.operator.options import OperatorOptions
from kubemr_shell.operator.output_root import output_below


def output_of(seen: Observation, options: OperatorOptions) -> str | None:
    """Return the output of a job in its canonical form; None if neither the job nor the operator names one.

    Raise InvalidSpec if the spec is wrong. The output of a deployed job never changes, even if its spec or the
    operator's ``--output-root`` changes. The temporaries of the job are below that output.
    """
    if decided := decided_output(seen):
        return decided
    output = seen.spec.output
    if output is None and options.output_root:
        output = output_below(options.output_root, seen.namespace, seen.name)
    if output is None or not is_s3(output):
        return output
    return f"{SCHEME}{output[len(SCHEME) :].rstrip('/')}"


def decided_output(seen: Observation) -> str | None:
    """Return the output of a deployed job; None if the job was not deployed, or the status has no valid output."""
    output = seen.status.get("output")
    return output if isinstance(output, str) and is_s3(output) else None


def owner_name(output: str) -> str:
    """Return the name of the ConfigMap that says which job owns an output."""
    return f"kubemr-output-{hashlib.sha256(output.encode()).hexdigest()[:20]}"


def owner_of_output(found: Object) -> OutputOwner | None:
    """Return the job that owns an output by the ConfigMap ``found``; None if no job owns the ConfigMap.

    The owner reference decides, because Kubernetes removes the ConfigMap with that job. The data is for people.
    """
    owners = (one for one in owners_of(found) if one["kind"] == JOB_KIND)
    return next((OutputOwner(uid=str(one["uid"]), name=str(one["name"])) for one in owners), None)
