import pytest

from kubemr_shell.screens.figures import bytes_text, count_text, one_line, seconds_text, tasks_rate_text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (1_500_000_000, "1.5 GB"),
        (2e15, "2000 TB"),
    ],
)
def test_bytes_have_a_unit_and_three_digits_at_most(count: float, text: str) -> None:
    assert bytes_text(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (12.4, "12 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_seconds_get_coarser_as_they_grow(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_counts_have_commas() -> None:
    assert count_text(21_700_000) == "21,700,000"


def test_any_text_fits_in_one_line() -> None:
    assert one_line("a\nb\x1b é", 80) == "a\\x0ab\\x1b é"
    assert one_line("\n" * 10, 6) == "\\x0a\\x"


@pytest.mark.parametrize(
    ("rate", "text"),
    [(1234.5, "1,234 tasks/s"), (2.53, "2.5 tasks/s"), (0.099, "5.9 tasks/min"), (0.01, "0.6 tasks/min")],
)
def test_rates_of_tasks_are_a_second_or_a_minute(rate: float, text: str) -> None:
    assert tasks_rate_text(rate) == text
