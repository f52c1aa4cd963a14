"""Where the parts of a job go, and which job owns that place. Pure."""

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
    """Where the parts go, in the one form that an output has; None: nobody says. InvalidSpec.

    What was so when the job was deployed stays so: its temporaries are there, whatever its spec, or an operator with
    another root, says now.
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
    """Where the parts go of a job that was deployed; None: it was not, or somebody has spoiled its status."""
    output = seen.status.get("output")
    return output if isinstance(output, str) and is_s3(output) else None


def owner_name(output: str) -> str:
    """The document that says which job owns an output."""
    return f"kubemr-output-{hashlib.sha256(output.encode()).hexdigest()[:20]}"


def owner_of_output(found: Object) -> OutputOwner | None:
    """Return the job that this document gives its output to; None if no job owns the document.

    The owner reference decides, for the document goes with that job. Its data is for people.
    """
    owners = (one for one in owners_of(found) if one["kind"] == JOB_KIND)
    return next((OutputOwner(uid=str(one["uid"]), name=str(one["name"])) for one in owners), None)
