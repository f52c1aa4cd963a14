"""The ``kubemr-shell`` command: lists the subcommands, and turns errors into messages and exit codes.

The module of a subcommand is imported when the subcommand is called, so that ``--help`` and short jobs start fast.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable

import click

from kubemr_shell import __version__
from kubemr_shell.cli import messages
from kubemr_shell.cli.machine import machine_error
from kubemr_shell.errors import EXIT_INTERRUPTED, KubemrError, ReaderGone
from kubemr_shell.streams import take_over

COMMANDS = {
    "run": "Run a job on this machine.",
    "plan": "Show what a job would do, and what it would cost, without running it.",
    "validate": "Show everything that is wrong with a job's YAML.",
    "results": "Write the parts of a finished job to stdout, in order.",
    "debug": "Run one task of a job again, alone, in this terminal.",
    "clean": "Remove what an unfinished or failed job left behind.",
    "submit": "Submit a job to a cluster.",
    "list": "Show the jobs of a cluster.",
    "status": "Show the state of a job of a cluster.",
    "logs": "Show the logs of the pods of a job.",
    "retry": "Continue a job of a cluster that has ended, also with other reduces.",
    "cancel": "End a job of a cluster.",
    "delete": "Remove a job of a cluster.",
    "install": "Write the manifests that install kubemr-shell in a cluster.",
    "uninstall": "Remove an installation from a cluster; jobs and namespaces stay.",
    "completion": "Print the script that completes commands in a shell.",
    "worker": "Work on a job of the cluster until it is over; the pods of jobs run this command.",
    "operator": "Start the workers of jobs and report on them; the operator's pods run this command.",
    "cleanup": "Remove the temporaries of a deleted job; the cleanup pod runs this command.",
    "local-worker": "Work on a job of this machine until it is over; run starts this command.",
}
"""The subcommands and their short descriptions, in the order of the help text."""

HIDDEN = ("worker", "local-worker", "operator", "cleanup")
"""The commands that users do not call."""

EXIT_USAGE = 2
"""The exit code for a command line that cannot be parsed."""
EXIT_BUG = 70
"""The exit code for a bug (EX_SOFTWARE in sysexits.h)."""


class Commands(click.Group):
    """The group of subcommands, each of which is in a module of the same name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the subcommands in the order of the help text."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module of a subcommand and return the subcommand, or None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"kubemr_shell.cli.{cmd_name.replace('-', '_')}")
        command = getattr(module, cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)
        command.hidden = cmd_name in HIDDEN
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the subcommands that users call, without an import of their modules."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, text in COMMANDS.items() if name not in HIDDEN])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kubemr-shell")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def main(context: click.Context, debug: bool) -> None:
    """MapReduce for any shell command.

    \b
    kubemr-shell run -m 'grep -o "[a-z]*"' -r 'uniq -c' logs/*.gz
    kubemr-shell run job.yaml
    """
    context.obj = debug


def run() -> None:
    """Run the command line and exit with its code."""
    if os.getpid() == 1:
        from kubemr_shell.cli.first_process import start_tini

        start_tini()
    take_over()
    sys.exit(exit_code(sys.argv[1:]))


def exit_code(arguments: list[str]) -> int:
    """Run the command line and return its exit code. Print an error as one message on stderr."""
    code = _run(lambda: main.main(arguments, prog_name="kubemr-shell", standalone_mode=False), arguments)
    flushed = _run(sys.stdout.flush, arguments)
    return code or flushed


def _run(action: Callable[[], object], arguments: list[str]) -> int:
    debug = "--debug" in arguments
    messages.write_text()
    try:
        result = action()
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt) as error:
        return getattr(error.__cause__, "exit_code", EXIT_INTERRUPTED)
    except ReaderGone as error:
        return error.exit_code
    except SystemExit as error:
        if isinstance(error.__context__, OSError):  # click hides BrokenPipeError; one that is not of stdout is a bug
            return _report(error, EXIT_BUG, _bug_message(), debug=debug)
        return error.code if isinstance(error.code, int) else 0  # the shell asked for completions
    except KubemrError as error:
        return _report(error, error.exit_code, str(error), debug=debug)
    except Exception as error:  # noqa: BLE001 - the last resort: a bug must leave a log file, not a traceback
        refusal = machine_error(error)
        if refusal is None:
            return _report(error, EXIT_BUG, _bug_message(), debug=debug)
        return _report(error, refusal.exit_code, str(refusal), debug=debug)
    return result if isinstance(result, int) else 0


def _report(error: BaseException, code: int, message: str, *, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(error)
    messages.say(message)
    return code


def _bug_message() -> str:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="kubemr-shell-", suffix=".log", delete=False) as log:
        traceback.print_exc(file=log)
    kind, value, _ = sys.exc_info()
    return f"this is a bug: {kind.__name__ if kind else 'error'}: {value}\n  please report it with {log.name}"
