"""Write the manifest with which krew installs the kubectl plugin: ``python -m release.krew FOLDER PLACE HOMEPAGE``.

FOLDER has the archives of ``make plugin``. PLACE is the URL of the folder from which users download the archives. The
form of a manifest: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from kubemr_shell import __version__

PLUGIN = "mapreduce"
"""The name of the plugin: ``kubectl mapreduce`` calls the program ``kubectl-mapreduce``."""
PROGRAM = "kubemr/kubemr-shell"
"""The program in an archive. krew makes the link ``kubectl-mapreduce`` to this program."""
ARCHIVE = re.compile(rf"kubectl-{PLUGIN}-linux-(amd64|arm64)\.tar\.gz")
"""The name of an archive, with its architecture."""


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 3:
        print("usage: python -m release.krew FOLDER PLACE HOMEPAGE", file=sys.stderr)
        return 2
    folder, place, homepage = Path(arguments[0]), arguments[1], arguments[2]
    target = folder / f"{PLUGIN}.yaml"
    target.write_text(yaml.safe_dump(manifest(folder, place, homepage), sort_keys=False), encoding="utf-8")
    print(f"wrote {target}")
    return 0


def manifest(folder: Path, place: str, homepage: str) -> dict[str, Any]:
    """Return the manifest of the archives in a folder. SystemExit if there is none."""
    found = {name[1]: path for path in sorted(folder.iterdir()) if (name := ARCHIVE.fullmatch(path.name))}
    if not found:
        raise SystemExit(f"{folder}: there is no archive of the plugin: run make plugin")
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": PLUGIN},
        "spec": {
            "version": f"v{__version__}",
            "homepage": homepage,
            "shortDescription": "MapReduce for any shell command",
            "description": "Submits MapReduceJobs of kubemr-shell, shows their progress, and reads their results.\n"
            "It also runs such jobs on this machine, without a cluster.\n",
            "caveats": "Linux with glibc 2.36 or newer. The cluster needs the operator of kubemr-shell:\n"
            f"  kubectl {PLUGIN} install --help\n",
            "platforms": [_platform(architecture, path, place) for architecture, path in found.items()],
        },
    }


def _platform(architecture: str, path: Path, place: str) -> dict[str, Any]:
    return {
        "selector": {"matchLabels": {"os": "linux", "arch": architecture}},
        "uri": f"{place}/{path.name}",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bin": PROGRAM,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
