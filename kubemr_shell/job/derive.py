"""Specs made from other specs: with what depends on the machine filled in."""

from __future__ import annotations

from dataclasses import replace

from kubemr_shell.job.spec import JobSpec


def resolve(spec: JobSpec, *, slots: int) -> JobSpec:
    """The spec that a plan records: what it leaves to the machine is settled, so that no other machine differs."""
    if spec.partitions is not None:
        return spec
    return replace(spec, partitions=slots if spec.replicas is None else spec.replicas)
