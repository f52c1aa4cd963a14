"""Measuring contenders: interleaved, compared with the truth, and what is missing or fails is said."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks import measure
from benchmarks.bench import HURRY_SECONDS, Bench
from benchmarks.contenders import BOUNDS, ONE_PIPE, Contender
from benchmarks.workloads import Compared, Workload

ENVIRONMENT = {"PATH": os.defpath}
RIGHT = 'cat "$INPUT" > "$OUT"/result'


def measured(
    folder: Path, *contenders: Contender, quick: bool = False, seconds: float = 0.0
) -> tuple[dict[str, int], str, bool]:
    """Return how often each contender ran well, the notes, and whether our result was wrong."""
    bench = Bench(
        data=folder,
        scale=10 if quick else 1,
        python=sys.executable,
        only_ours=False,
        inherited=ENVIRONMENT,
        clock=lambda: seconds,
    )
    workload = Workload(
        name="copy",
        source=("one-line", 50),
        contenders=contenders,
        truth='cat "$INPUT"',
        compared=Compared.EXACT,
    )
    result = bench.measure(workload)
    return {name: len(values) for name, values in result.values.items()}, " ".join(result.notes), result.wrong


def test_contenders_run_in_turn(tmp_path: Path) -> None:
    order = tmp_path / "order"
    note = 'echo {} >> "{}"; ' + RIGHT
    runs, notes, wrong = measured(
        tmp_path,
        Contender(name="a", shell=note.format("a", order)),
        Contender(name="b", shell=note.format("b", order)),
        Contender(name="slow", shell=note.format("slow", order), slow=True),
    )
    assert order.read_text().split() == ["a", "b", "slow", "a", "b", "a", "b"]
    assert (runs, notes, wrong) == ({"a": 3, "b": 3, "slow": 1}, "", False)


def test_a_wrong_result_of_ours_is_an_error_and_of_another_a_note(tmp_path: Path) -> None:
    runs, notes, wrong = measured(tmp_path, Contender(name="a", shell='echo no > "$OUT"/result'))
    assert (runs, notes, wrong) == ({"a": 0}, "a: its result is not what it should be", False)
    _, _, wrong = measured(tmp_path, Contender(name="a", shell='echo no > "$OUT"/result', is_ours=True))
    assert wrong


def test_who_fails_is_not_run_again(tmp_path: Path) -> None:
    runs, notes, wrong = measured(tmp_path, Contender(name="a", shell="echo why >&2; exit 3", is_ours=True))
    assert (runs, wrong) == ({"a": 0}, True)
    assert notes == "a: exit status 3: why"


def test_what_is_not_installed_is_left_out_and_said(tmp_path: Path) -> None:
    runs, notes, wrong = measured(
        tmp_path,
        Contender(name="a", shell=RIGHT, needs=("sh", "python:json")),
        Contender(name="b", shell=RIGHT, needs=("no-such-program",)),
        Contender(name="c", shell=RIGHT, needs=("python:no_such_module",)),
    )
    assert (runs, wrong) == ({"a": 3}, False)
    assert notes == "b is left out: not installed: no-such-program c is left out: not installed: no_such_module"


def test_the_quick_benchmark_leaves_out_what_is_slow(tmp_path: Path) -> None:
    runs, notes, _ = measured(
        tmp_path,
        Contender(name="a", shell=RIGHT),
        Contender(name="slow", shell=RIGHT, slow=True),
        quick=True,
    )
    assert (runs, notes) == ({"a": 2}, "slow is left out: too slow for --quick")


def test_a_late_workload_has_one_round_without_what_is_slow(tmp_path: Path) -> None:
    runs, notes, _ = measured(
        tmp_path,
        Contender(name="a", shell=RIGHT),
        Contender(name="slow", shell=RIGHT, slow=True),
        seconds=HURRY_SECONDS + 1,
    )
    assert runs == {"a": 1}
    assert notes.startswith("slow is left out: too slow for what is left")


def test_the_bounds_and_the_plain_pipe_find_their_inputs(tmp_path: Path) -> None:
    runs, notes, _ = measured(tmp_path, *BOUNDS, ONE_PIPE)
    assert (set(runs.values()), notes) == ({3}, "")


def test_the_peak_is_that_of_python_processes_only(tmp_path: Path) -> None:
    environment = {**ENVIRONMENT, "PYTHON": sys.executable}
    python = '"$PYTHON" -c "kept = b\'x\' * {0}; sum(range(10_000_000))"'
    small = measure.run(f"{python.format(1)}; true", environment, tmp_path / "log", sample=True)
    large = measure.run(f"{python.format(80_000_000)}; true", environment, tmp_path / "log", sample=True)
    sort = "head -c 80000000 /dev/zero | tr '\\0' x | sort | tail -c 1"
    other = measure.run(sort, environment, tmp_path / "log", sample=True)
    assert large.peak_bytes - small.peak_bytes > 70_000_000
    assert other.peak_bytes == 0
