"""What may change in a spec between a run and its resumption, and how much of the work is then kept."""

from __future__ import annotations

from dataclasses import dataclass

from kubemr_shell.job.records import yaml_name
from kubemr_shell.job.scripts import files_of_maps
from kubemr_shell.job.spec import JobSpec

DECIDE_MAP = (
    "inputs",
    "inputs_from",
    "decompress",
    "split",
    "map_command",
    "combine_command",
    "key",
    "env",
    "archives",
    "jobargs",
)
DECIDE_OUTPUT = ("reduce_command", "compress_output")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Fields that differ and matter, by their names in YAML."""

    forbidden: tuple[str, ...]
    """With these it is another job: nothing that was done can be used."""
    reduce_only: tuple[str, ...]
    """With these the maps are kept, and the reduces are done again."""


def changed_fields(old: JobSpec, new: JobSpec) -> Changes:
    """Compare the resolved spec of a plan with the one of a resumption, which need not be resolved.

    A new spec that leaves ``partitions`` to the machine keeps those of the plan. In a map-only job the map tasks write
    the output, so whatever decides it decides them.
    """
    forbidden = _differing(old, new, DECIDE_MAP)
    if files_of_maps(old) != files_of_maps(new):
        forbidden += (yaml_name("files"),)
    if new.partitions not in (None, old.partitions):
        forbidden += (yaml_name("partitions"),)
    output = _differing(old, new, DECIDE_OUTPUT)
    if old.partitions == 0:
        return Changes(forbidden=forbidden + output, reduce_only=())
    return Changes(forbidden=forbidden, reduce_only=output)


def _differing(old: JobSpec, new: JobSpec, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(yaml_name(name) for name in names if getattr(old, name) != getattr(new, name))
