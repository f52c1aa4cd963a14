"""docs/tutorial.md: a shell runs its commands one after the other, and they do what the page says."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.user_shell import in_shell

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
TEXTS = Path("/usr/share/common-licenses")
TEXT = b"the cat and the dog\nthe end\n"
TOP = "      6 the\n"


def test_a_reader_who_types_every_command_gets_the_documented_results(tmp_path: Path) -> None:
    """The licences of Debian are replaced by a short text, which every system can make."""
    for name in ("GPL-3", "Apache-2.0"):
        (tmp_path / name).write_bytes(TEXT)
    seen = []
    for language, text in BLOCKS:
        if language == "yaml":
            (tmp_path / "job.yaml").write_text(text)
        elif not language:
            command = text.replace(str(TEXTS), str(tmp_path))
            seen.append(in_shell(command, tmp_path))
    _, one_liner, checks, failing, debugged, resumed, results = seen
    assert (one_liner.returncode, one_liner.stdout.splitlines(keepends=True)[0]) == (0, TOP)
    assert checks.returncode == 0
    assert "job.yaml: valid" in checks.stdout
    assert failing.returncode == 4
    assert documented_lines() <= {line.replace(f"{tmp_path}/", "") for line in failing.stderr.splitlines()}
    assert debugged.returncode == 127
    assert resumed.returncode == 0
    assert "map      1 task" in resumed.stderr
    assert results.stdout.splitlines(keepends=True)[0] == TOP


def documented_lines() -> set[str]:
    """Return the lines of the documented failure, without the first, which the page shortens."""
    [failure] = [text for language, text in BLOCKS if language == "text" and "uniqq" in text]
    return set(failure.splitlines()[1:])
