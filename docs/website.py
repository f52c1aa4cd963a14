"""Build the documentation site into build/site: ``python -m docs.website``. A broken link is an error.

The pages stand where readers of the repository look for them. The site needs them in one folder, so they are copied to
build/site-source first, with their paths.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "build" / "site-source"
FOLDERS = ("docs", "protocol", "examples", "images", "deploy")
PAGES = ("*.md", *(f"{folder}/**/*.md" for folder in FOLDERS), "protocol/*.json", "LICENSE")


def copy_pages() -> None:
    """Copy all pages, and the files to which they link, to the folder from which the site is built."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    for pattern in PAGES:
        for page in ROOT.glob(pattern):
            target = SOURCE / page.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(page, target)


def main() -> int:
    copy_pages()
    # The theme prints an advertisement on each build.
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # noqa: TID251 - a script for developers
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet"]
    return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
