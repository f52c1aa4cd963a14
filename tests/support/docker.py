"""The Docker engine that tests may use, and the reason where there is none."""

from __future__ import annotations

import json
import subprocess

INSTALL = "apt-get install docker.io"
_ANSWER_SECONDS = 60


def why_no_docker() -> str | None:
    """Return in a few words why no Docker engine can be used; None where one answers.

    The ``docker`` command is asked, because it gives up at once where no engine listens.
    """
    question = ["docker", "version", "--format", "{{json .Server.Version}}"]
    try:
        asked = subprocess.run(question, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False)
        if asked.returncode == 0 and json.loads(asked.stdout):
            return None
    except FileNotFoundError:
        return "docker is not installed"
    except (subprocess.TimeoutExpired, ValueError):
        return "the Docker engine does not answer"
    return first_line(asked.stderr) or "the Docker engine names no version"


def first_line(text: str) -> str:
    """Return the first line of a message; exceptions of Docker's libraries have dozens."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
