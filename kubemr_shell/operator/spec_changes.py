"""The fields of a spec that are fixed for the pods of a job when their batch Job is made. Pure.

Kubernetes does not permit changes of the template of a batch Job. So an annotation of the batch Job records digests of
the fields from which the template was made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from kubemr_shell.kube.marks import SPEC_ANNOTATION
from kubemr_shell.kube.status import Object

OF_PODS = ("image", "slots", "template", "s3")
"""The fields of the spec from which the template is made."""
DIGEST_CHARACTERS = 8
"""The length of a digest."""


def noted_spec(spec: Mapping[str, Any]) -> str:
    """Return the value of the annotation for a batch Job that is made from ``spec``: a digest of each field."""
    return json.dumps(_digests(spec), sort_keys=True)


def changed_of_pods(spec: Mapping[str, Any], batch: Object) -> set[str]:
    """Return the fields of ``spec`` that changed since ``batch`` was made; none if ``batch`` has no annotation."""
    noted = (batch["metadata"].get("annotations") or {}).get(SPEC_ANNOTATION)
    if noted is None:
        return set()
    before, now = json.loads(noted), _digests(spec)
    return {name for name in {*before, *now} if before.get(name) != now.get(name)}


def _digests(spec: Mapping[str, Any]) -> dict[str, str]:
    names = (*OF_PODS, "replicas") if _shares_requests(spec) else OF_PODS
    return {name: _digest(spec[name]) for name in names if name in spec}


def _shares_requests(spec: Mapping[str, Any]) -> bool:
    """Return whether the spec limits the requests of a job.

    The limit is divided among the workers, so their number is then fixed too.
    """
    s3 = spec.get("s3")
    return isinstance(s3, Mapping) and bool(s3.get("maxRequestsPerSecond"))


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:DIGEST_CHARACTERS]
