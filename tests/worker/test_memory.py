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
    assert plan.largest_record_bytes(1) == plan.share_bytes // 4
    assert plan.largest_record_bytes(2) == plan.share_bytes // 8


@pytest.mark.parametrize("s3", [False, True])
@pytest.mark.parametrize("collectors", [1, 2])
@pytest.mark.parametrize(("mebibytes", "slots"), [(256, 2), (512, 4), (1024, 8), (8192, 64)])
def test_the_advice_on_long_records_doubles_what_is_allowed(
    mebibytes: int, slots: int, collectors: int, s3: bool
) -> None:
    """``RecordTooLarge`` advises to double the memory or to halve the slots."""
    now = divide_memory(mebibytes * MEBIBYTE, slots, s3=s3)
    for memory, fewer in ((2 * mebibytes, now.slots), (mebibytes, now.slots // 2)):
        then = divide_memory(memory * MEBIBYTE, fewer, s3=s3)
        assert then.slots == fewer
        assert then.largest_record_bytes(collectors) >= 2 * now.largest_record_bytes(collectors)


def test_s3_needs_memory_of_its_own() -> None:
    plan = divide_memory(1024 * MEBIBYTE, 2, s3=True)
    assert (plan.slots, plan.share_bytes) == (2, 428 * MEBIBYTE)
    with pytest.raises(UsageError, match="give at least 168Mi"):
        divide_memory(167 * MEBIBYTE, 1, s3=True)


def test_too_little_for_one_slot_says_how_much_is_needed() -> None:
    with pytest.raises(UsageError, match="give at least 104Mi"):
        divide_memory(103 * MEBIBYTE, 1)
