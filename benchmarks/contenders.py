"""The contenders of the benchmark: kubemr-shell, the commands alone, and the alternatives. Each is a line of shell.

The environment of the line has these variables:

- INPUT: the path of the dataset. HALVES: the folder of INPUT cut in two.
- SORTED: the folder of the sorted output of MAP, cut in two between keys.
- MAP and REDUCE: the commands. JOB: the YAML of a job with these commands and inputs.
- OUT: an empty folder for the results (``part-*`` or ``result``).
- ALTERNATIVES: the folder of scripts. PYTHON: the interpreter of the alternatives. LC_ALL: ``C``.
- SECONDS: a file. If only a part of the line is to be measured, the line writes the seconds of this part to the file.
"""

from __future__ import annotations

from dataclasses import dataclass

OURS = "kubemr-shell"
"""The name of the contender kubemr-shell."""
ALONE = "commands alone"
"""The name of the contender that runs only the commands."""
SORT = "sort --parallel=2 -S 2G"
"""The command that sorts in the contenders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A contender: one way to do a workload."""

    name: str
    shell: str
    is_ours: bool = False
    needs: tuple[str, ...] = ()
    """The programs, and the Python modules as ``python:NAME``, without which the contender is left out."""
    slow: bool = False
    """Whether the contender runs only in the first round, and not at all in a quick benchmark."""
    has_result: bool = True
    source: tuple[str, int] | None = None
    """The dataset and size of the contender, if they are not those of the workload."""
    inputs: int = 1
    """The number of times that the job lists its input."""
    per: int = 1
    """The number by which the measured value is divided."""
    before: str = ""
    """A line of shell that prepares the run and is not measured."""
    after: str = ""
    """A line of shell that fetches the result and is not measured."""


def ours(name: str = OURS, flags: str = "") -> Contender:
    """Return a contender that runs JOB with kubemr-shell and ``flags``."""
    return Contender(name=name, shell=f'kubemr-shell run "$JOB" -o "$OUT" --quiet {flags}', is_ours=True)


def _alone(name: str, behind: str) -> Contender:
    """Return a contender that maps both halves at the same time, and then reduces both sorted partitions."""
    phases = [
        f'sh -c "${command}" < "${folder}"/0 {behind} & sh -c "${command}" < "${folder}"/1 {behind} & wait'
        for command, folder in (("MAP", "HALVES"), ("REDUCE", "SORTED"))
    ]
    return Contender(name=name, shell="; ".join(phases), has_result=False)


BOUNDS = (_alone(ALONE, "> /dev/null"), _alone("commands alone, behind a pipe", "| cat > /dev/null"))
"""The contenders that run only the commands: a lower bound of the time."""

_PIPE_PART = 'parallel --pipe-part -a "$INPUT" --block -1 -j 2'
"""The beginning of a line that runs a command on two parts of INPUT at the same time."""

PARALLEL_SORT = Contender(
    name="parallel | sort",
    shell=f'{_PIPE_PART} "$MAP" | {SORT} | sh -c "$REDUCE" > "$OUT"/result',
    needs=("parallel",),
)
"""GNU parallel for the map commands, and one sort."""
PARALLEL_MERGE = Contender(
    name="parallel with sort | sort -m",
    shell=f'{_PIPE_PART} "$MAP | sort -S 1G > $OUT/sorted-{{#}}"; '
    'sort -m "$OUT"/sorted-* | sh -c "$REDUCE" > "$OUT"/result',
    needs=("parallel",),
)
"""GNU parallel for the map commands, each with a sort, and a merge."""
PARALLEL_COMBINE = Contender(
    name="parallel, combined by hand",
    shell=f'{_PIPE_PART} "$MAP | sort -S 1G | $REDUCE" | {SORT} | sh -c "$REDUCE" > "$OUT"/result',
    needs=("parallel",),
)
"""GNU parallel with the reduce command as a combiner."""
ONE_PIPE = Contender(
    name="map | sort | reduce",
    shell=f'sh -c "$MAP" < "$INPUT" | {SORT} | sh -c "$REDUCE" > "$OUT"/result',
)
"""A pipe of map, sort and reduce, with one process each."""
MRJOB = Contender(
    name="mrjob local",
    shell='"$PYTHON" "$ALTERNATIVES"/mrjob_commands.py -r local -q --map-command "$MAP" --reduce-command "$REDUCE" '
    '--output-dir "$OUT"/mrjob "$INPUT"; mv "$OUT"/mrjob/* "$OUT"',
    needs=("python:mrjob",),
    slow=True,
)
"""The local runner of mrjob."""
SPARK = Contender(
    name="Spark pipe",
    shell='"$PYTHON" "$ALTERNATIVES"/spark_pipe.py "$MAP" "$REDUCE" "$INPUT" "$OUT"/spark; '
    'mv "$OUT"/spark/part-* "$OUT"',
    needs=("python:pyspark", "java"),
    slow=True,
)
"""The method ``pipe`` of Spark."""

PARALLEL_MAP = Contender(
    name="parallel to one file",
    shell=f'{_PIPE_PART} -k "$MAP" > "$OUT"/result',
    needs=("parallel",),
)
"""GNU parallel for map-only work, with one result in the order of the input."""
PARALLEL_MAP_FILES = Contender(
    name="parallel to files",
    shell=f'{_PIPE_PART} "$MAP > $OUT/part-{{#}}"',
    needs=("parallel",),
)
"""GNU parallel for map-only work, with a file for each part."""
ONE_MAP = Contender(name="the command alone, one process", shell='sh -c "$MAP" < "$INPUT" > "$OUT"/result')
"""A single process of the map command."""
GNU_SORT = Contender(name="cat | sort | cat", shell=f'cat "$INPUT" | {SORT} | cat > "$OUT"/result')
"""GNU sort between two processes of cat."""
