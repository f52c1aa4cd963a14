"""docs/tutorial.md: a shell runs its commands one after the other, and they do what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
TEXTS = Path("/usr/share/common-licenses")
TEXT = b"the cat and the dog\nthe end\n"
TOP = "      6 the\n"


def test_a_reader_who_types_every_command_gets_the_documented_results(tmp_path: Path) -> None:
    """The licences of Debian are replaced by a short text, which every system can make."""
    for name in ("GPL-3", "Apache-2.0"):
        (tmp_path / name).write_bytes(TEXT)
    env = {
        **os.environ,  # noqa: TID251 - a shell of a user
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",  # noqa: TID251 - likewise
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    seen = []
    for language, text in BLOCKS:
        if language == "yaml":
            (tmp_path / "job.yaml").write_text(text)
        elif not language:
            command = text.replace(str(TEXTS), str(tmp_path))
            seen.append(
                subprocess.run(
                    ["sh", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
                )
            )
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
