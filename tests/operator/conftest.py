"""The fixture that gives each test an installation of its own."""

from tests.support.installations import installation

__all__ = ["installation"]
