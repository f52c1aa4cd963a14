"""The workloads of the benchmark. Each has an input, commands, contenders and targets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from benchmarks import contenders
from benchmarks.contenders import ALONE, OURS, Contender
from benchmarks.datasets import MB


class Compared(Enum):
    """The lines of shell that prepare a contender's result for the comparison with the expected result."""

    SORTED = 'cat "$OUT"/[pr]* | sort --parallel=2 -S 2G'
    MERGED = 'sort -m "$OUT"/[pr]*'
    EXACT = 'cat "$OUT"/[pr]*'
    COUNTED = 'find "$OUT" -name "part-*" | wc -l'


class Metric(Enum):
    """The value that is measured in a run: the wall time, or the peak memory of our own processes."""

    SECONDS = "seconds"
    PEAK = "bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target: ``subject`` is at most ``at_most`` times the smallest value of ``against``.

    Without ``against``, ``at_most`` is an absolute value in the unit of the metric.
    """

    text: str
    at_most: float
    against: tuple[str, ...] = ()
    subject: str = OURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A workload: a dataset and the work that every contender does with it.

    ``source`` is the name of the dataset and its size in the full benchmark: bytes, or the number of files of a folder.
    """

    name: str
    source: tuple[str, int]
    contenders: tuple[Contender, ...]
    targets: tuple[Target, ...] = ()
    map_command: str = "cat"
    reduce_command: str = "cat"
    spec: dict[str, object] = field(default_factory=dict)
    """Further fields of the job's spec."""
    truth: str = ""
    """A line of shell that writes the expected result. If empty, only the exit status is checked."""
    compared: Compared = Compared.SORTED
    metric: Metric = Metric.SECONDS
    rounds: int = 3


_REDUCED = 'sh -c "$REDUCE" < "$SORTED"/0; sh -c "$REDUCE" < "$SORTED"/1'
_SUM = 'mawk -f "$ALTERNATIVES"/sum.awk'
_FEW, _TEN_TIMES, _HUNDRED_TIMES = "n tasks", "10 n tasks", "100 n tasks"


def _tasks(name: str, count: int) -> Contender:
    return replace(contenders.ours(name), source=("tiny-files", count), per=count)


def _peak(name: str, inputs: int) -> Contender:
    return replace(contenders.ours(name, "--memory 256Mi"), inputs=inputs)


WORKLOADS = (
    Workload(
        name="word count",
        source=("text", 300 * MB),
        map_command='mawk -f "$ALTERNATIVES"/words.awk',
        reduce_command=_SUM,
        spec={"partitions": 2},
        contenders=(
            contenders.ours(),
            *contenders.BOUNDS,
            contenders.PARALLEL_SORT,
            contenders.PARALLEL_MERGE,
            contenders.PARALLEL_COMBINE,
            contenders.ONE_PIPE,
            contenders.MRJOB,
            contenders.SPARK,
        ),
        targets=(
            Target(text="at most 1.3x the commands alone", at_most=1.3, against=(ALONE,)),
            Target(
                text="2.5x faster than the fastest GNU parallel without a combine step",
                at_most=1 / 2.5,
                against=(contenders.PARALLEL_SORT.name, contenders.PARALLEL_MERGE.name),
            ),
        ),
        truth=_REDUCED,
    ),
    Workload(
        name="sum of bytes by host, a log with 1,000 keys",
        source=("logs", 300 * MB),
        map_command='mawk -f "$ALTERNATIVES"/hosts.awk',
        reduce_command=_SUM,
        spec={"partitions": 2},
        contenders=(
            contenders.ours(),
            *contenders.BOUNDS,
            contenders.PARALLEL_SORT,
            contenders.PARALLEL_MERGE,
            contenders.PARALLEL_COMBINE,
            contenders.ONE_PIPE,
            contenders.MRJOB,
            contenders.SPARK,
        ),
        truth=_REDUCED,
    ),
    Workload(
        name="sort of unique records of 100 bytes",
        source=("unique", 300 * MB),
        spec={"partitions": 2},
        contenders=(contenders.ours(), *contenders.BOUNDS, contenders.GNU_SORT, contenders.PARALLEL_MERGE),
        targets=(
            Target(
                text="faster than GNU sort --parallel=2 between two cats",
                at_most=1.0,
                against=(contenders.GNU_SORT.name,),
            ),
        ),
        truth='cat "$SORTED"/*',
        compared=Compared.MERGED,
    ),
    Workload(
        name="grep, map only",
        source=("text-ten-times", 3000 * MB),
        map_command="grep linux",
        spec={"partitions": 0},
        contenders=(
            contenders.ours(),
            contenders.ONE_MAP,
            contenders.PARALLEL_MAP,
            contenders.PARALLEL_MAP_FILES,
        ),
        targets=(
            Target(
                text="at most 1.1x the fastest GNU parallel",
                at_most=1.1,
                against=(contenders.PARALLEL_MAP.name, contenders.PARALLEL_MAP_FILES.name),
            ),
        ),
        truth='grep linux "$INPUT"',
        compared=Compared.EXACT,
        rounds=5,
    ),
    Workload(
        name="one line",
        source=("one-line", 100),
        contenders=(
            Contender(name=OURS, shell='kubemr-shell run -m cat -r cat "$INPUT" > "$OUT"/result', is_ours=True),
            contenders.ONE_PIPE,
        ),
        targets=(Target(text="under 0.5 s", at_most=0.5),),
        truth='cat "$INPUT"',
        rounds=7,
    ),
    Workload(
        name="--help",
        source=("one-line", 100),
        contenders=(Contender(name=OURS, shell="kubemr-shell --help", is_ours=True, has_result=False),),
        targets=(Target(text="under 0.15 s", at_most=0.15),),
        rounds=7,
    ),
    Workload(
        name="5,000 files of 100 bytes",
        source=("small-files", 5000),
        reduce_command="uniq -c",
        contenders=(contenders.ours(),),
        targets=(Target(text="under 3 s", at_most=3.0),),
        truth='cat "$INPUT"/* | sort | uniq -c',
    ),
    Workload(
        name="peak memory of the engine at --memory 256Mi, unique records",
        source=("unique", 300 * MB),
        map_command='sed "s/^/$KUBEMR_TASK-/"',
        reduce_command='mawk -f "$ALTERNATIVES"/ordered.awk',
        spec={"partitions": 1},
        contenders=(_peak("the input once", 1), _peak("the input ten times", 10)),
        targets=(
            Target(
                text="flat within 30 % from once to ten times",
                at_most=1.3,
                subject="the input ten times",
                against=("the input once",),
            ),
            Target(text="under 256Mi", at_most=256 << 20, subject="the input ten times"),
        ),
        truth='wc -l < "$INPUT" | mawk -v inputs="$INPUTS" "{print \\$1 * inputs}"',
        metric=Metric.PEAK,
        rounds=1,
    ),
    Workload(
        name="map-only tasks of true, a task",
        source=("tiny-files", 1000),
        map_command="true",
        spec={"partitions": 0, "split": {"pack": False}},
        contenders=(
            _tasks(_FEW, 1000),
            _tasks(_TEN_TIMES, 10_000),
            _tasks(_HUNDRED_TIMES, 100_000),
        ),
        targets=(
            Target(text="over 500 tasks a second", at_most=1 / 500, subject=_HUNDRED_TIMES),
            Target(text="no dearer with 100 times as many", at_most=1.1, subject=_HUNDRED_TIMES, against=(_FEW,)),
        ),
        truth='ls "$INPUT" | wc -l',
        compared=Compared.COUNTED,
        rounds=1,
    ),
)
"""All workloads of ``benchmarks.bench``."""
