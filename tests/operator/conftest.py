"""An installation of its own for each test that asks for one."""

from tests.operator.installations import installation

__all__ = ["installation"]
