"""Checks for fields of a spec that are allowed on one machine, but not in a cluster. Pure."""

from __future__ import annotations

from kubemr_shell.errors import Problem, StorageError
from kubemr_shell.inputs.descriptors import STANDARD_INPUT
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.shown import shown
from kubemr_shell.storage.local import path_of
from kubemr_shell.storage.locate import scheme_of


def look_at_places(spec: JobSpec) -> tuple[list[Problem], list[str]]:
    """Return the problems and the warnings about the inputs and the output of a spec, as pods see them."""
    problems, warnings = look_at_inputs(spec.inputs, "spec.inputs")
    if spec.output is not None and scheme_of(spec.output) != "s3":
        message = f"{shown(spec.output)} is a folder, and would be gone with the pods: give an s3:// prefix"
        problems.append(Problem(path="spec.output", message=message))
    return problems, warnings


def look_at_inputs(inputs: tuple[str, ...], path: str) -> tuple[list[Problem], list[str]]:
    """Return the problems and the warnings about inputs. ``path`` is the path of their list in the spec."""
    problems, warnings = [], []
    for index, uri in enumerate(inputs):
        if uri in STANDARD_INPUT:
            message = "pods cannot read your stdin: upload the data, and give their s3:// or http(s):// URI"
            problems.append(Problem(path=f"{path}[{index}]", message=message))
        elif is_local(uri) and is_absolute(uri):
            warnings.append(f"{path}[{index}]: {shown(uri)} is read in the image of the pods, not on this machine")
        elif is_local(uri):
            message = f"pods cannot see this machine's {shown(uri)}: give an s3:// or http(s):// URI"
            problems.append(Problem(path=f"{path}[{index}]", message=message))
    return problems, warnings


def is_local(uri: str) -> bool:
    """Return whether a URI names a file or folder of the machine that reads it."""
    return scheme_of(uri) == "file"


def is_absolute(uri: str) -> bool:
    """Return whether a local URI is an absolute path."""
    try:
        return path_of(uri).startswith("/")
    except StorageError:
        return False
