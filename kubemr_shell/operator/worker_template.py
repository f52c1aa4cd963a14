"""The pod template of an installation, for the pods of all its jobs. Pure.

It has the form of ``spec.template``. It is merged over our own pod first, and the template of the job after it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kubemr_shell.errors import UsageError
from kubemr_shell.kube.marks import CONTAINER

WorkerTemplate = Mapping[str, Any]
"""A pod template in the form of ``spec.template``."""
PARTS = ("metadata", "spec")
"""The fields of a pod template."""
OF_JOBS = ("image", "command", "args")
"""The fields of our container that only the job or the operator may set."""


def check_template(template: object, source: str) -> WorkerTemplate:
    """Return the template. Raise UsageError if its form is wrong. The API server checks the rest."""
    if not isinstance(template, Mapping):
        raise UsageError(f"{source}: must be a mapping with metadata or spec, as a pod template has them")
    for name in template:
        if name not in PARTS:
            raise UsageError(f"{source}: {name} is not a field of a pod template: put it below spec, or remove it")
    for part in PARTS:
        if not isinstance(template.get(part, {}), Mapping):
            raise UsageError(f"{source}: {part}: must be a mapping")
    containers = template.get("spec", {}).get("containers", [])
    if not isinstance(containers, list) or not all(isinstance(one, Mapping) and "name" in one for one in containers):
        raise UsageError(f"{source}: spec.containers: must be a list of containers with names; ours is {CONTAINER}")
    for container in containers:
        for name in OF_JOBS:
            if container["name"] == CONTAINER and name in container:
                raise UsageError(
                    f"{source}: {name} of the container {CONTAINER}: must not be here: jobs and --image set it"
                )
    return template


def parsed_template(text: str) -> WorkerTemplate:
    """Return the template that ``template_text`` has written. Raise UsageError if the text is not such a template."""
    try:
        template = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--worker-template: not JSON: {error}") from error
    return check_template(template, "--worker-template")


def template_text(template: WorkerTemplate) -> str:
    """Return the template in one line, for an argument of the operator."""
    return json.dumps(template, separators=(",", ":"))
