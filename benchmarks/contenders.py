"""The ways to do a workload: kubemr-shell, the commands alone, and what people use instead. Each is a line of shell.

It finds in its environment: INPUT, HALVES (INPUT cut in two), SORTED (what MAP makes of INPUT, sorted, cut in two
between keys), MAP and REDUCE (commands), JOB (a job's YAML that says all this), OUT (an empty folder for its results,
``part-*`` or ``result``), ALTERNATIVES (the folder of scripts) and PYTHON. LC_ALL is C. One that does more than what is
measured writes the seconds of that to the file that SECONDS names.
"""

from __future__ import annotations

from dataclasses import dataclass

OURS = "kubemr-shell"
ALONE = "commands alone"
SORT = "sort --parallel=2 -S 2G"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to do the work."""

    name: str
    shell: str
    is_ours: bool = False
    needs: tuple[str, ...] = ()
    """Programs, and Python modules as ``python:NAME``, without which it is left out."""
    slow: bool = False
    """Run in the first round only, and not at all in the quick benchmark."""
    has_result: bool = True
    source: tuple[str, int] | None = None
    """Its own dataset and size, where it is not the workload's."""
    inputs: int = 1
    """How often the job lists its input."""
    per: int = 1
    """What is measured is divided by this."""
    before: str = ""
    """Shell that makes ready for the run, and is not measured."""
    after: str = ""
    """Shell that fetches the result, and is not measured."""


def ours(name: str = OURS, flags: str = "") -> Contender:
    return Contender(name=name, shell=f'kubemr-shell run "$JOB" -o "$OUT" --quiet {flags}', is_ours=True)


def _alone(name: str, behind: str) -> Contender:
    """Map on the two halves side by side, then reduce on the two sorted partitions."""
    phases = [
        f'sh -c "${command}" < "${folder}"/0 {behind} & sh -c "${command}" < "${folder}"/1 {behind} & wait'
        for command, folder in (("MAP", "HALVES"), ("REDUCE", "SORTED"))
    ]
    return Contender(name=name, shell="; ".join(phases), has_result=False)


BOUNDS = (_alone(ALONE, "> /dev/null"), _alone("commands alone, behind a pipe", "| cat > /dev/null"))

_PIPE_PART = 'parallel --pipe-part -a "$INPUT" --block -1 -j 2'

PARALLEL_SORT = Contender(
    name="parallel | sort",
    shell=f'{_PIPE_PART} "$MAP" | {SORT} | sh -c "$REDUCE" > "$OUT"/result',
    needs=("parallel",),
)
PARALLEL_MERGE = Contender(
    name="parallel with sort | sort -m",
    shell=f'{_PIPE_PART} "$MAP | sort -S 1G > $OUT/sorted-{{#}}"; '
    'sort -m "$OUT"/sorted-* | sh -c "$REDUCE" > "$OUT"/result',
    needs=("parallel",),
)
PARALLEL_COMBINE = Contender(
    name="parallel, combined by hand",
    shell=f'{_PIPE_PART} "$MAP | sort -S 1G | $REDUCE" | {SORT} | sh -c "$REDUCE" > "$OUT"/result',
    needs=("parallel",),
)
ONE_PIPE = Contender(
    name="map | sort | reduce",
    shell=f'sh -c "$MAP" < "$INPUT" | {SORT} | sh -c "$REDUCE" > "$OUT"/result',
)
MRJOB = Contender(
    name="mrjob local",
    shell='"$PYTHON" "$ALTERNATIVES"/mrjob_commands.py -r local -q --map-command "$MAP" --reduce-command "$REDUCE" '
    '--output-dir "$OUT"/mrjob "$INPUT"; mv "$OUT"/mrjob/* "$OUT"',
    needs=("python:mrjob",),
    slow=True,
)
SPARK = Contender(
    name="Spark pipe",
    shell='"$PYTHON" "$ALTERNATIVES"/spark_pipe.py "$MAP" "$REDUCE" "$INPUT" "$OUT"/spark; '
    'mv "$OUT"/spark/part-* "$OUT"',
    needs=("python:pyspark", "java"),
    slow=True,
)

PARALLEL_MAP = Contender(
    name="parallel to one file",
    shell=f'{_PIPE_PART} -k "$MAP" > "$OUT"/result',
    needs=("parallel",),
)
PARALLEL_MAP_FILES = Contender(
    name="parallel to files",
    shell=f'{_PIPE_PART} "$MAP > $OUT/part-{{#}}"',
    needs=("parallel",),
)
ONE_MAP = Contender(name="the command alone, one process", shell='sh -c "$MAP" < "$INPUT" > "$OUT"/result')
GNU_SORT = Contender(name="cat | sort | cat", shell=f'cat "$INPUT" | {SORT} | cat > "$OUT"/result')
