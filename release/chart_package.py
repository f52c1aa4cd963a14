"""Package the Helm chart, and check the package: ``python -m release.chart_package HELM FOLDER``."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from kubemr_shell import __version__
from release.chart import CHART, OLDEST_KUBERNETES

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 2:
        print("usage: python -m release.chart_package HELM FOLDER", file=sys.stderr)
        return 2
    helm, folder = arguments[0], Path(arguments[1])
    print(f"{package(helm, folder)}: checked")
    return 0


def package(helm: str, folder: Path) -> Path:
    """Package the chart into an empty folder, render the package, and return its path. SystemExit if helm fails."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _run(helm, "package", str(ROOT / "deploy" / "helm" / CHART), "--destination", str(folder))
    path = folder / f"{CHART}-{__version__}.tgz"
    oldest = ("--kube-version", OLDEST_KUBERNETES)
    _run(helm, "lint", "--strict", *oldest, str(path))
    _run(helm, "template", CHART, *oldest, "--include-crds", str(path))
    return path


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} exited with {done.returncode}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
