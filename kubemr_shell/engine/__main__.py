"""Prints which engine is installed: ``python -m kubemr_shell.engine``."""

from __future__ import annotations

import sys

from kubemr_shell import engine

if engine.compiled:
    sys.stdout.write("The native engine is in place.\n")
else:
    sys.stdout.write(
        "WARNING: the native engine was not built; jobs run on the Python reference, many times slower.\n"
        "Install g++ and the Python headers (apt-get install g++ python3-dev), then install kubemr-shell again.\n"
    )
