"""Write the bill of materials of the base image's Python packages: ``python -m release.sbom FILE``.

The format is CycloneDX. The version of the project is added here, because cyclonedx-py finds it only in pyproject.toml.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kubemr_shell import __version__

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m release.sbom FILE", file=sys.stderr)
        return 2
    target = Path(arguments[0])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(bill_of_materials(), indent=2) + "\n", encoding="utf-8")
    print(f"wrote {target}")
    return 0


def bill_of_materials() -> dict[str, Any]:
    """Return the bill of the packages in requirements/image.txt, as parts of the project in its version."""
    lock, project = ROOT / "requirements" / "image.txt", ROOT / "pyproject.toml"
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", str(lock), "--output-reproducible"]
    done = subprocess.run([*command, "--pyproject", str(project)], stdout=subprocess.PIPE, check=True)
    bill: dict[str, Any] = json.loads(done.stdout)
    whole = bill["metadata"]["component"]
    whole["version"] = __version__
    parts = [{"ref": part["bom-ref"]} for part in bill["components"]]
    root = {"ref": whole["bom-ref"], "dependsOn": [part["ref"] for part in parts]}
    return {**bill, "dependencies": [root, *parts]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
