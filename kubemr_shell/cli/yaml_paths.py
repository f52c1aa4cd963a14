"""The paths in a job's YAML, which are relative to the folder of the YAML file. ``~`` is the home folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from kubemr_shell.storage.locate import scheme_of

_LISTS = ("inputs", "files", "archives")
_SINGLE = ("inputsFrom", "output")


def with_paths_from(document: object, folder: str) -> object:
    """Return a job's document with the relative paths of its spec below ``folder``, for a run on this machine.

    A document with mistakes is returned as far as it can be understood: the validation reports them.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("spec"), Mapping):
        return document
    spec = dict(document["spec"])
    for name in _LISTS:
        if isinstance(spec.get(name), list):
            spec[name] = [_from(item, folder) for item in spec[name]]
    for name in _SINGLE:
        if name in spec:
            spec[name] = _from(spec[name], folder)
    if isinstance(spec.get("s3"), Mapping) and "caBundle" in spec["s3"]:
        spec["s3"] = {**spec["s3"], "caBundle": _from(spec["s3"]["caBundle"], folder)}
    return {**document, "spec": spec}


def _from(value: Any, folder: str) -> Any:
    """Return a local path, joined to ``folder`` if it is relative. Return other values and ``-`` (stdin) unchanged."""
    if not isinstance(value, str) or value in ("", "-") or "://" in value or scheme_of(value) != "file":
        return value
    return os.path.join(folder, os.path.expanduser(value))
