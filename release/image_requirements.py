"""Print the requirements of the base image: ``python -m release.image_requirements``. ``make lock`` locks them.

They are the dependencies of the package, the requirements of its build, and the tools of the group ``image``.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def image_requirements() -> list[str]:
    """Return the requirements from pyproject.toml."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    return [
        *project["project"]["dependencies"],
        *project["build-system"]["requires"],
        *project["dependency-groups"]["image"],
    ]


def main() -> int:
    print("\n".join(image_requirements()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
