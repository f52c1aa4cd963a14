"""Which fields of a job's spec its pods have from the time when they were made. Pure.

The template of a batch Job cannot be changed. The batch Job notes the fields from which its template was made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from kubemr_shell.kube.marks import SPEC_ANNOTATION
from kubemr_shell.kube.status import Object

OF_PODS = ("image", "slots", "template", "s3")
DIGEST_CHARACTERS = 8


def noted_spec(spec: Mapping[str, Any]) -> str:
    """Return the value of the annotation for workers that are made for ``spec``: a digest of each field."""
    return json.dumps(_digests(spec), sort_keys=True)


def changed_of_pods(spec: Mapping[str, Any], batch: Object) -> set[str]:
    """Return the fields of ``spec`` that are not those from which ``batch`` was made; none if nobody has noted them."""
    noted = (batch["metadata"].get("annotations") or {}).get(SPEC_ANNOTATION)
    if noted is None:
        return set()
    before, now = json.loads(noted), _digests(spec)
    return {name for name in {*before, *now} if before.get(name) != now.get(name)}


def _digests(spec: Mapping[str, Any]) -> dict[str, str]:
    names = (*OF_PODS, "replicas") if _shares_requests(spec) else OF_PODS
    return {name: _digest(spec[name]) for name in names if name in spec}


def _shares_requests(spec: Mapping[str, Any]) -> bool:
    """Return whether a number of requests is divided among the workers, which a changed number of them would break."""
    s3 = spec.get("s3")
    return isinstance(s3, Mapping) and bool(s3.get("maxRequestsPerSecond"))


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:DIGEST_CHARACTERS]
