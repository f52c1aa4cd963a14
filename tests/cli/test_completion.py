"""Tests of the completion script: a real bash uses it to complete commands, flags and choices."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("kubemr-shell")
COMPLETE = """
eval "$(kubemr-shell completion bash)"
COMP_WORDS=(%s)
COMP_CWORD=%d
%s
printf '%%s\\n' "${COMPREPLY[@]}"
"""


def completed(*words: str) -> set[str]:
    """Return the words that bash offers for the last of ``words``."""
    function = "_kubemr_shell_completion kubemr-shell"
    script = COMPLETE % (" ".join(f"'{word}'" for word in words), len(words) - 1, function)
    env = {**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}  # noqa: TID251 - a shell of a user
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(shell: str) -> None:
    done = subprocess.run([PROGRAM, "completion", shell], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "_KUBEMR_SHELL_COMPLETE" in done.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n", "-c", done.stdout], check=True)


def test_bash_completes_commands_but_not_those_that_pods_call() -> None:
    assert completed("kubemr-shell", "re") == {"results", "retry"}
    assert completed("kubemr-shell", "work") == set()


def test_bash_completes_flags_and_their_choices() -> None:
    assert "--map" in completed("kubemr-shell", "run", "--ma")
    assert completed("kubemr-shell", "run", "--compress-output", "g") == {"gzip"}
