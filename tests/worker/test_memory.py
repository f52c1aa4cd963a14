import pytest

from kubemr_shell.errors import UsageError
from kubemr_shell.worker.memory import MEBIBYTE, divide_memory


@pytest.mark.parametrize(
    ("mebibytes", "wanted", "slots", "share"),
    [(1024, 2, 2, 472), (256, 2, 2, 88), (144, 2, 2, 32), (143, 2, 1, 71), (104, 8, 1, 32), (256, 100, 4, 40)],
)
def test_a_share_is_never_below_32_mebibytes(mebibytes: int, wanted: int, slots: int, share: int) -> None:
    plan = divide_memory(mebibytes * MEBIBYTE, wanted)
    assert (plan.slots, plan.share_bytes // MEBIBYTE) == (slots, share)
    assert plan.largest_record_bytes == plan.share_bytes // 4


def test_s3_needs_memory_of_its_own() -> None:
    plan = divide_memory(1024 * MEBIBYTE, 2, s3=True)
    assert (plan.slots, plan.share_bytes) == (2, 428 * MEBIBYTE)
    with pytest.raises(UsageError, match="give at least 168Mi"):
        divide_memory(167 * MEBIBYTE, 1, s3=True)


def test_too_little_for_one_slot_says_how_much_is_needed() -> None:
    with pytest.raises(UsageError, match="give at least 104Mi"):
        divide_memory(103 * MEBIBYTE, 1)
