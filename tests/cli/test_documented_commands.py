"""Tests that the program accepts the command lines in README.md and docs, and that the jobs in them are valid."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from kubemr_shell.cli.main import main
from kubemr_shell.client.cluster_spec import look_at_places
from kubemr_shell.job.validate import load_job

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FIRST_JOB = ROOT / "docs" / "cluster.md"
LEFT_OUT = "…"


def blocks(page: Path, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == language]


def command_lines(page: Path) -> Iterator[list[str]]:
    """Yield the words of each call of the program, up to the character that ends the call for a shell."""
    for block in blocks(page, ""):
        for line in block.replace("\\\n", " ").splitlines():
            if not line.startswith("kubemr-shell "):
                continue
            lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
            lexer.whitespace_split = True
            words = []
            for word in lexer:
                if set(word) <= set("|&;"):
                    break
                words.append(word)
            yield [word for word in words[1:] if word != LEFT_OUT]


CALLS = [(page.name, words) for page in PAGES for words in command_lines(page)]


@pytest.mark.parametrize(("page", "words"), CALLS, ids=[f"{page}: {shlex.join(words)}" for page, words in CALLS])
def test_a_documented_command_is_one_that_the_program_takes(page: str, words: list[str]) -> None:
    with click.Context(main) as context:
        command = main.get_command(context, words[0])
        assert command is not None, f"{page}: there is no command {words[0]}"
        command.make_context(words[0], words[1:], parent=context)


def test_the_page_of_clusters_has_commands() -> None:
    assert {"install", "submit", "results", "retry", "delete"} <= {
        words[0] for page, words in CALLS if page == FIRST_JOB.name
    }


def test_the_first_job_of_a_cluster_is_one_that_a_cluster_takes() -> None:
    [text] = blocks(FIRST_JOB, "yaml")
    job = load_job(yaml.safe_load(text), FIRST_JOB.name)
    assert job.name == "word-count"
    assert look_at_places(job.spec) == ([], [])
