"""The documentation page of all commands, made from their ``--help``."""

from __future__ import annotations

import click

from kubemr_shell.cli.main import COMMANDS, HIDDEN, main

GROUPS = {
    "Jobs on this machine": ("run", "validate", "plan", "results", "debug", "clean"),
    "Jobs in a cluster": ("submit", "list", "status", "logs", "retry", "cancel", "delete"),
    "Installation": ("install", "uninstall", "completion"),
}
COLUMNS = 100


def commands_page(note: str) -> str:
    """Return the page. ``note`` is its first line, which says that the page is generated."""
    names = {name for name in COMMANDS if name not in HIDDEN}
    grouped = {name for group in GROUPS.values() for name in group}
    if left_out := names - grouped:
        raise AssertionError(f"docs/commands_page.py has no group for {', '.join(sorted(left_out))}")
    sections = "\n".join(
        f"## {title}\n\n" + "\n".join(_command(name) for name in group if name in names)
        for title, group in GROUPS.items()
    )
    return f"{note}\n\n# Commands\n\n{sections}"


def _command(name: str) -> str:
    with click.Context(main, info_name="kubemr-shell", max_content_width=COLUMNS, terminal_width=COLUMNS) as root:
        command = main.get_command(root, name)
        assert command is not None
        with click.Context(
            command, info_name=name, parent=root, max_content_width=COLUMNS, terminal_width=COLUMNS
        ) as context:
            text = command.get_help(context)
    return f"### {name}\n\n```text\n{text}\n```\n"
