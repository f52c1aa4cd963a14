from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.job.quantity import HIGHEST, format_quantity, parse_quantity
from tests.support.job_documents import unhurried


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("1024", 1024),
        ("64Mi", 64 * 1024**2),
        ("1Gi", 1024**3),
        ("1.5Gi", 3 * 512 * 1024**2),
        ("100k", 100_000),
        ("2M", 2_000_000),
        ("3G", 3 * 10**9),
        ("1T", 10**12),
        ("1Ti", 1024**4),
        ("1P", 10**15),
        ("1Pi", 1024**5),
        ("1E", 10**18),
        ("7Ei", 7 * 1024**6),
        ("0.5", 1),
        ("0.1Ki", 103),
        ("007Ki", 7 * 1024),
        (str(HIGHEST), HIGHEST),
    ],
)
def test_a_quantity_is_read_as_kubernetes_reads_it(text: str, count: int) -> None:
    assert parse_quantity(text) == count


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("64MB", "64M"),
        ("64 Mi", "64Mi"),
        ("64mib", "64Mi"),
        ("64KB", "64k"),
        ("64K", "64k"),
        ("1.5gb", "1.5G"),
        (" 12 ", "12"),
        ("12b", "12"),
        ("12ib", "12"),
    ],
)
def test_of_a_near_miss_the_right_spelling_is_said(text: str, right: str) -> None:
    with pytest.raises(ValueError, match=rf": write {right}$"):
        parse_quantity(text)
    assert parse_quantity(right) > 0


@pytest.mark.parametrize(
    "text", ["", "Mi", "-1", "+1", "1e9", ".5", "5.", "1,5Gi", "64Mi\n", "1m", "٣", "0x10", "9" * 5000]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number of bytes such as 64Mi"):
        parse_quantity(text)


def test_what_needs_more_than_64_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="less than 8Ei"):
        parse_quantity("8Ei")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (1, "1"), (1000, "1k"), (1024, "1Ki"), (64 << 20, "64Mi"), (1536, "1536"), (5 << 60, "5Ei")],
)
def test_a_count_is_written_with_the_largest_unit_that_divides_it(count: int, text: str) -> None:
    assert format_quantity(count) == text


@unhurried
@given(
    st.integers(min_value=0, max_value=HIGHEST)
    | st.builds(lambda number, power: number << power, st.integers(0, 1023), st.integers(0, 53))
    | st.builds(lambda number, power: number * 10**power, st.integers(0, 999), st.integers(0, 15))
)
def test_what_is_written_reads_as_the_same_count(count: int) -> None:
    assert parse_quantity(format_quantity(count)) == count
