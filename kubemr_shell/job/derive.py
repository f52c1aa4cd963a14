"""Specs made from other specs: with changes from flags, and with what depends on the machine filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.validate import spec_from_mapping, spec_to_mapping


def override(spec: JobSpec, changes: Mapping[str, Any]) -> JobSpec:
    """The spec with some fields of JobSpec replaced, checked as a whole; InvalidSpec names fields without ``spec.``"""
    return spec_from_mapping(spec_to_mapping(replace(spec, **changes)), path="")


def resolve(spec: JobSpec, *, slots: int) -> JobSpec:
    """The spec that a plan records: what it leaves to the machine is settled, so that no other machine differs."""
    if spec.partitions is not None:
        return spec
    return replace(spec, partitions=slots if spec.replicas is None else spec.replicas)
