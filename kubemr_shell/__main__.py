"""``python -m kubemr_shell``: the same as the ``kubemr-shell`` command."""

from kubemr_shell.cli.main import run

if __name__ == "__main__":
    run()
