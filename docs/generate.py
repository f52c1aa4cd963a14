"""Write the files that are generated from the code: ``python -m docs.generate``.

With ``--check``, name the files that are stale, and exit with 1.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from docs.commands_page import commands_page
from docs.job_pages import GENERATED, job_spec_page, states_page
from kubemr_shell.job.schema import json_schema
from release.chart import chart_files
from release.dashboard import dashboard
from release.kustomize import kustomize_files

ROOT = Path(__file__).resolve().parent.parent


def generated() -> dict[str, str]:
    """Return the content of each generated file, by its path in the repository."""
    return {
        "docs/commands.md": commands_page(GENERATED),
        "docs/job-spec.md": job_spec_page(),
        "docs/states.md": states_page(),
        "protocol/job.schema.json": json.dumps(json_schema(), indent=2) + "\n",
        "deploy/grafana-dashboard.json": dashboard(),
        **kustomize_files(),
        **chart_files(),
    }


def stale_files(root: Path) -> list[str]:
    """Return the files that are missing or differ from what the code generates."""
    return [
        name
        for name, text in generated().items()
        if not (root / name).is_file() or (root / name).read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: python -m docs.generate [--check]", file=sys.stderr)
        return 2
    stale = stale_files(ROOT)
    if arguments:
        for name in stale:
            print(f"{name} is stale: run make generate", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(generated()[name], encoding="utf-8")
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
