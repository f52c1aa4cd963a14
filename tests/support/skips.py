"""Skipped tests: one line for each reason, with the command that provides what was missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NoReturn

import pytest


def skip(what: str, *, why: str, command: str) -> NoReturn:
    """Skip a test that needs ``what``: say why it is not there, and the command that provides it."""
    pytest.skip(f"{what} ({why}); to run them: {command}")


def summary(reports: Iterable[pytest.TestReport | pytest.CollectReport]) -> list[str]:
    """Return a line for each reason for which tests were skipped, with their number; the most frequent first."""
    counted = Counter(_reason(report) for report in reports)
    return [f"SKIPPED [{count}] {reason}" for reason, count in counted.most_common()]


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    # pytest gives the file, the line and the reason of a skip.
    text = report.longrepr[2] if isinstance(report.longrepr, tuple | list) else str(report.longrepr)
    return " ".join(text.removeprefix("Skipped: ").split())
