"""Checks that the native module has the interface that the Python code expects."""

from __future__ import annotations

from types import ModuleType

from kubemr_shell.errors import KubemrError

VERSION = 2
"""The version of the interface of the native module, the same as in ``native/module.cpp``."""


def check_version(native: ModuleType) -> None:
    """Raise KubemrError if the native module has another version of the interface."""
    found = getattr(native, "VERSION", 0)
    if found != VERSION:
        raise KubemrError(
            f"{native.__file__} was built from other sources than the Python code of kubemr-shell (version {found} of "
            f"the interface, {VERSION} is needed): build it again: run make setup in a clone, "
            "or pip install --force-reinstall kubemr-shell elsewhere"
        )
