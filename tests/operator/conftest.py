"""The fixture that gives each test an installation of its own."""

from tests.operator.installations import installation

__all__ = ["installation"]
