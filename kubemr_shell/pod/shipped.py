"""The pins of the files that travel with a job, as the plan of the job has them. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from kubemr_shell.kube.marks import FILES_FOLDER
from kubemr_shell.worker.pins import pin_of_bytes


def pins_of_shipped(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the pins of files by the paths at which pods see them. ``files`` maps names to contents."""
    return {f"{FILES_FOLDER}/{name}": pin_of_bytes(data) for name, data in files.items()}


def files_in(config_map: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the contents of the files in a ConfigMap, by their names."""
    encoded, texts = config_map.get("binaryData") or {}, config_map.get("data") or {}
    return {
        **{name: base64.b64decode(text) for name, text in encoded.items()},
        **{name: str(text).encode() for name, text in texts.items()},
    }
