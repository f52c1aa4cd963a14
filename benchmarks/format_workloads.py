"""The workloads of the benchmark that read formats of records, and compressed files."""

from __future__ import annotations

from benchmarks import contenders
from benchmarks.contenders import OURS, Contender
from benchmarks.datasets import MB
from benchmarks.workloads import Compared, Target, Workload

_AS_LINES = "the same with records: lines"
_TOTAL = "mawk '{ n += $1 } END { print n }'"


def _counted(records: str) -> Workload:
    """Return the workload that counts the lines of a file of a format. The format only decides where it is cut."""
    return Workload(
        name=f"wc -l of records: {records}",
        source=(records, 300 * MB),
        map_command="wc -l",
        reduce_command=_TOTAL,
        spec={"partitions": 1, "records": records},
        contenders=(contenders.ours(), contenders.ours(_AS_LINES, "--records lines")),
        targets=(Target(text="within 1.15x of records: lines", at_most=1.15, against=(_AS_LINES,)),),
        truth='wc -l < "$INPUT"',
        compared=Compared.EXACT,
        rounds=7,
    )


FORMAT_WORKLOADS = (
    *(_counted(records) for records in ("fastq", "fasta", "nul", "csv")),
    Workload(
        name="the cuts of a CSV file",
        source=("csv", 3000 * MB),
        contenders=(
            Contender(
                name=OURS,
                shell='kubemr-shell plan --records csv -m cat -p 0 "$INPUT" > /dev/null',
                is_ours=True,
                has_result=False,
            ),
            Contender(name="wc -l", shell='wc -l "$INPUT" > /dev/null', has_result=False),
        ),
        targets=(Target(text="within 1.5x of wc -l", at_most=1.5, against=("wc -l",)),),
        rounds=5,
    ),
    Workload(
        name="5,000 small files, mixed compression",
        source=("mixed-files", 5000),
        map_command="wc -l",
        reduce_command=_TOTAL,
        spec={"partitions": 1},
        contenders=(contenders.ours(),),
        targets=(Target(text="under 3 s", at_most=3.0),),
        truth='ls "$INPUT" | wc -l',
        compared=Compared.EXACT,
    ),
)
"""The workloads of formats of records, and of small compressed files."""
