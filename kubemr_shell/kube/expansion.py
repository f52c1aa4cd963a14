"""The expansion of ``$(NAME)`` in the arguments and variables of a container. Pure.

The kubelet replaces ``$(NAME)`` by the variable NAME, and reads ``$$`` as one ``$``:
https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables.
"""

from __future__ import annotations


def literal(text: str) -> str:
    """Return the text to write into a manifest so that a container receives exactly ``text``."""
    return text.replace("$", "$$")
