import sys

import pytest

from kubemr_shell.command.ourselves import command_line


def test_a_frozen_program_is_started_again_by_itself_and_another_by_python(monkeypatch: pytest.MonkeyPatch) -> None:
    assert command_line() == (sys.executable, "-m", "kubemr_shell")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert command_line() == (sys.executable,)
