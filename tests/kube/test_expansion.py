"""Tests of texts with dollar signs in the arguments of a container."""

from __future__ import annotations

import re

import pytest

from kubemr_shell.kube.expansion import literal

VARIABLES = {"HOME": "/tmp"}


def expanded(text: str) -> str:
    """Return an argument as the kubelet expands it."""

    def replaced(found: re.Match[str]) -> str:
        name = found.group(1)
        return "$" if name is None else VARIABLES.get(name, found.group(0))

    return re.sub(r"\$\$|\$\(([^)]*)\)", replaced, text)


@pytest.mark.parametrize(
    "text", ["", "plain", "$(HOME)", "$$(HOME)", "$HOME", "a$", "$$$", "$(NOBODY)", "$()", "$($(HOME))"]
)
def test_a_text_arrives_as_it_is(text: str) -> None:
    assert expanded(literal(text)) == text


def test_without_it_a_variable_is_put_in() -> None:
    assert expanded("s3://results/$(HOME)") == "s3://results//tmp"
