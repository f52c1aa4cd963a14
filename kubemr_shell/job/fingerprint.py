"""The identity of a plan, and the effect of a changed spec or file on the committed work. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kubemr_shell.job.mappings import yaml_name
from kubemr_shell.job.names import file_name
from kubemr_shell.job.scripts import files_of_maps, script_of_reduces_alone
from kubemr_shell.job.spec import JobSpec

DECIDE_MAP = (
    "inputs",
    "inputs_from",
    "decompress",
    "records",
    "header",
    "split",
    "map_command",
    "combine_command",
    "key",
    "env",
    "archives",
    "jobargs",
)
"""The fields of a spec that decide the output of the map tasks."""
DECIDE_OUTPUT = ("reduce_command", "compress_output")
"""The fields that decide the output of the reduce tasks, besides the map outputs."""
DECIDE_ALL = ("image",)
"""The fields that decide the output of every task that is still open."""
DIGEST = "sha256:"
"""The text before the digest of the inputs in the spec of a plan. No input can have such a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The fields and files that differ between two specs, by their effect. Fields have their names of YAML."""

    forbidden: tuple[str, ...]
    """Fields that make it another job, which cannot use the old plan."""
    maps: tuple[str, ...] = ()
    """Files with a new content. The plan is kept, and every task runs again."""
    open_phases: tuple[str, ...] = ()
    """Fields after whose change every open phase runs again, so that no phase mixes two ways of working."""
    reduce_only: tuple[str, ...]
    """Fields and files after whose change the map outputs are kept and the reduce tasks run again."""


def kept_in_plan(spec: JobSpec) -> JobSpec:
    """Return the spec as a plan keeps it: with the digest of the inputs in their place.

    The splits of the plan stand for the inputs. A list of a megabyte would else be twice in one document of the board.
    """
    if not spec.inputs or (len(spec.inputs) == 1 and spec.inputs[0].startswith(DIGEST)):
        return spec
    return replace(spec, inputs=(DIGEST + _digest(list(spec.inputs)),))


def plan_fingerprint(spec: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """Return a text that changes if the spec of a plan or the pin of one of its files changes."""
    return _digest([spec, files])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def pins_of_maps(spec: Mapping[str, Any], pins: Mapping[str, str]) -> dict[str, str]:
    """Return the pins of all files but the script that is of the reduceCommand alone."""
    values = (*(variable.get("value", "") for variable in spec.get("env") or ()), *(spec.get("jobargs") or {}).values())
    maps = (spec.get("mapCommand"), spec.get("combineCommand"))
    script = script_of_reduces_alone(spec.get("reduceCommand"), maps, values)
    return {uri: pin for uri, pin in pins.items() if file_name(uri) != script}


def changed_fields(
    old: JobSpec, new: JobSpec, *, planned: Mapping[str, str] | None = None, found: Mapping[str, str] | None = None
) -> Changes:
    """Compare the spec of a plan with the one of a resumption, which need not be resolved.

    A new spec that leaves ``partitions`` to the machine keeps those of the plan. In a map-only job the map tasks write
    the output, so whatever decides it decides them. ``planned`` has the pins of the plan, ``found`` those of files as
    they are now, as far as they are known.
    """
    old, new = kept_in_plan(old), kept_in_plan(new)
    of_maps, of_reduces = _other_contents(new, planned or {}, found or {})
    forbidden = _differing(old, new, DECIDE_MAP)
    if files_of_maps(old) != files_of_maps(new):
        forbidden += (yaml_name("files"),)
    if new.partitions not in (None, old.partitions):
        forbidden += (yaml_name("partitions"),)
    output = _differing(old, new, DECIDE_OUTPUT)
    open_phases = _differing(old, new, DECIDE_ALL)
    if old.partitions == 0:
        return Changes(forbidden=forbidden + output, maps=of_maps + of_reduces, open_phases=open_phases, reduce_only=())
    return Changes(forbidden=forbidden, maps=of_maps, open_phases=open_phases, reduce_only=output + of_reduces)


def _other_contents(
    spec: JobSpec, planned: Mapping[str, str], found: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of files with a new content: the files that maps may read, and the script of the reduces."""
    uris = [
        uri for uri in (*spec.files, *spec.archives) if uri in planned and found.get(uri, planned[uri]) != planned[uri]
    ]
    of_maps = [uri for uri in uris if uri in (*files_of_maps(spec), *spec.archives)]
    of_reduces = [uri for uri in uris if uri not in of_maps]
    return tuple(map(file_name, of_maps)), tuple(map(file_name, of_reduces))


def _differing(old: JobSpec, new: JobSpec, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(yaml_name(name) for name in names if getattr(old, name) != getattr(new, name))
