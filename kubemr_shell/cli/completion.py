"""``kubemr-shell completion``: prints the script that lets a shell complete commands, flags and file names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash: add to ~/.bashrc                    eval "$(kubemr-shell completion bash)"
    zsh:  add to ~/.zshrc                     eval "$(kubemr-shell completion zsh)"
    fish: write to ~/.config/fish/completions/kubemr-shell.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None, "click completes in bash, zsh and fish"
    program = context.find_root()
    print(kind(program.command, {}, "kubemr-shell", "_KUBEMR_SHELL_COMPLETE").source(), end="")
