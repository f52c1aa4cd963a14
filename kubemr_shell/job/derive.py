"""The resolved spec: a spec in which nothing depends on the machine that reads it."""

from __future__ import annotations

from dataclasses import replace

from kubemr_shell.job.spec import JobSpec


def resolve(spec: JobSpec, *, slots: int) -> JobSpec:
    """Return the spec with the number of partitions filled in, so that all machines use the same number."""
    if spec.partitions is not None:
        return spec
    return replace(spec, partitions=slots if spec.replicas is None else spec.replicas)
