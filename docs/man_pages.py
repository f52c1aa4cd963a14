"""Write one man page for each command into build/man: ``python -m docs.man_pages``."""

from __future__ import annotations

from pathlib import Path

import click
from click_man.core import generate_man_page

from kubemr_shell import __version__
from kubemr_shell.cli.main import COMMANDS, HIDDEN, main

FOLDER = Path(__file__).resolve().parents[1] / "build" / "man"


def write_man_pages(folder: Path) -> None:
    """Write kubemr-shell(1) and a page for each of its commands that users call."""
    folder.mkdir(parents=True, exist_ok=True)
    with click.Context(main, info_name="kubemr-shell") as root:
        (folder / "kubemr-shell.1").write_text(generate_man_page(root, __version__), encoding="utf-8")
        for name in COMMANDS:
            command = main.get_command(root, name)
            if name in HIDDEN or command is None:
                continue
            with click.Context(command, info_name=name, parent=root) as context:
                (folder / f"kubemr-shell-{name}.1").write_text(
                    generate_man_page(context, __version__), encoding="utf-8"
                )


if __name__ == "__main__":
    write_man_pages(FOLDER)
