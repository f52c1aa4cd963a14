"""Measures the CPU seconds of the engine, and of the commands that it serves.

``python benchmarks/engine_bench.py [words|unique|mawk|sort|scan ...] [--megabytes 300]``

The data are lines of words with Zipf's frequencies, and distinct records of 100 bytes. As in a map task, lines go from
a command through a pipe into a Collector. As in a reduce task, lines go from a Merger through a pipe into a command.
There is one slot, which does the splits one after the other.
"""

from __future__ import annotations

import argparse
import fcntl
import itertools
import os
import random
import resource
import subprocess
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from kubemr_shell import engine

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), ".data")
"""The folder of inputs and run files."""
MEMORY_BYTES = 472 << 20
"""The memory of one of two slots at the default of 1 GiB."""
PIPE_BYTES = 1 << 20
"""The size of the pipes, as for the pipes of an attempt."""
PARTITIONS = 2
"""The number of partitions."""
SPLITS = 8
"""The number of splits of an input."""
WORDS_A_LINE = 12
"""The number of words in a line of text."""
MAP = """{ for (i = 1; i <= NF; i++) print $i "\\t1" }"""
"""The awk program of the map command of a word count."""
REDUCE = """$1 != k { if (NR > 1) print k "\\t" n; k = $1; n = 0 } { n += $2 } END { print k "\\t" n }"""
"""The awk program of the reduce command of a word count."""


def write_text(path: str, size: int) -> None:
    """Write random words of Python's standard library, with their frequency there."""
    counts: Counter[bytes] = Counter()
    for folder, folders, names in os.walk(sysconfig.get_path("stdlib")):
        folders[:] = [name for name in sorted(folders) if name != "site-packages"]
        for name in sorted(names):
            if name.endswith((".py", ".txt")):
                with open(os.path.join(folder, name), "rb") as source:
                    counts.update(word for word in source.read().split() if len(word) < 60)
    words, weights = list(counts), list(itertools.accumulate(counts.values()))
    rng = random.Random(7)
    with open(path, "wb") as file:
        while file.tell() < size:
            drawn = rng.choices(words, cum_weights=weights, k=100_000 * WORDS_A_LINE)
            file.write(b"".join(b" ".join(line) + b"\n" for line in zip(*[iter(drawn)] * WORDS_A_LINE, strict=True)))


def write_words(path: str, size: int) -> None:
    """Write the output of the map command of a word count of the text."""
    text = made("text", size * 7 // 10)
    with open(text, "rb") as source, open(path, "wb") as file:
        file.writelines(b"\t1\n".join(line.split()) + b"\t1\n" for line in source)


def write_unique(path: str, size: int) -> None:
    """Write records of 100 bytes with a random key of ten bytes, as in sorting benchmarks."""
    rng = random.Random(11)
    printable = bytes(33 + value % 94 for value in range(256))
    with open(path, "wb") as file:
        while file.tell() < size:
            block = rng.randbytes(98 * 10_000).translate(printable)
            file.write(
                b"".join(
                    b"%b\t%b\n" % (block[at : at + 10], block[at + 10 : at + 98]) for at in range(0, len(block), 98)
                )
            )


WRITERS: dict[str, Callable[[str, int], None]] = {"text": write_text, "words": write_words, "unique": write_unique}
"""The functions that write the inputs, by the names of the inputs."""


def made(kind: str, size: int) -> str:
    """Return the path of an input. Make the input if it does not exist."""
    path = os.path.join(DATA, f"engine-{kind}-{size}")
    if not os.path.exists(path):
        os.makedirs(DATA, exist_ok=True)
        print(f"making {path}", flush=True)
        WRITERS[kind](path + ".part", size)
        os.rename(path + ".part", path)
    return path


def split_files(path: str) -> list[str]:
    """Return the paths of the SPLITS parts of an input: one for each map task of a job."""
    names = [f"{path}.split-{number}" for number in range(SPLITS)]
    if not all(map(os.path.exists, names)):
        subprocess.run(["split", "-d", "-a", "1", "-n", f"l/{SPLITS}", path, f"{path}.split-"], check=True)
    return names


def cpu_seconds(who: int) -> float:
    """Return the CPU seconds of this process or of its ended children (getrusage)."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


@contextmanager
def measured(what: str) -> Iterator[None]:
    """Print the CPU seconds of this process and of the commands, and the wall time, of the block."""
    own, commands, begun = cpu_seconds(resource.RUSAGE_SELF), cpu_seconds(resource.RUSAGE_CHILDREN), time.perf_counter()
    yield
    own = cpu_seconds(resource.RUSAGE_SELF) - own
    commands = cpu_seconds(resource.RUSAGE_CHILDREN) - commands
    print(f"{what:<40} {own:7.3f} {commands:9.3f} {time.perf_counter() - begun:8.3f}", flush=True)


def run_map(collector: engine.Collector, command: Sequence[str], run: str) -> engine.OutputFacts:
    """Collect the output of a command and write it to the run file ``run``."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        fcntl.fcntl(child.stdout, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        collector.drain(child.stdout.fileno(), -1)
    with open(run, "wb") as file:
        facts = collector.write_output(file.fileno())
    collector.reset()
    return facts


def run_reduce(sources: Sequence[engine.Source], command: Sequence[str], folder: str) -> engine.Fed:
    """Merge the sources and feed the lines to a command."""
    merger = engine.Merger(sources, memory_bytes=MEMORY_BYTES, scratch_dir=folder)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
        assert child.stdin is not None
        fcntl.fcntl(child.stdin, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        fed = merger.feed(child.stdin.fileno(), -1)
        child.stdin.close()
    return fed


def both_sides(what: str, path: str, map_command: Sequence[str], reduce_command: Sequence[str]) -> None:
    """Measure the work of the engine for a whole job with one slot."""
    files = split_files(path)
    with tempfile.TemporaryDirectory(dir=DATA) as folder:
        collector = engine.Collector(
            partitions=PARTITIONS,
            separator=b"\t",
            key_fields=1,
            memory_bytes=MEMORY_BYTES,
            max_record_bytes=MEMORY_BYTES // 4,
            spill_dir=folder,
        )
        runs = [os.path.join(folder, f"run-{number}") for number in range(SPLITS)]
        with measured(f"{what}: drain, sort, write"):
            outputs = [run_map(collector, [*map_command, file], run) for file, run in zip(files, runs, strict=True)]
        collector.close()
        with measured(f"{what}: merge, feed"):
            for partition in range(PARTITIONS):
                places = [(run, *facts.partitions[partition][:2]) for run, facts in zip(runs, outputs, strict=True)]
                fed = run_reduce([engine.Source(*place) for place in places], reduce_command, folder)
        stored = sum(facts.stored_bytes for facts in outputs)
        print(
            f"  {sum(facts.records for facts in outputs)} records, {stored >> 20} MiB of runs, "
            f"{fed.keys} keys in the last"
        )


def bench_words(size: int) -> None:
    """Measure the engine with words, and with ``cat`` as both commands."""
    both_sides("words, cat", made("words", size), ["cat"], ["cat"])


def bench_unique(size: int) -> None:
    """Measure the engine with distinct records, and with ``cat`` as both commands."""
    both_sides("unique, cat", made("unique", size), ["cat"], ["cat"])


def bench_mawk(size: int) -> None:
    """Measure a word count with mawk: the map command alone, and with the engine."""
    text = made("text", size * 7 // 10)
    with measured("words, mawk alone: map"):
        for file in split_files(text):
            subprocess.run(["mawk", MAP, file], stdout=subprocess.DEVNULL, check=True)
    both_sides("words, mawk", text, ["mawk", MAP], ["mawk", "-F", "\t", REDUCE])


def bench_sort(size: int) -> None:
    """Measure GNU sort with distinct records, to compare."""
    with measured("unique, GNU sort --parallel=2"):
        environment = {"LC_ALL": "C", "PATH": os.defpath}
        command = ["sort", "--parallel=2", "-S", "1G", "-T", DATA, made("unique", size)]
        subprocess.run(command, stdout=subprocess.DEVNULL, env=environment, check=True)


def bench_scan(size: int) -> None:
    """Measure ``scan`` and ``count_lines`` of a cached file."""
    path = made("words", size)
    with open(path, "rb") as file:
        total = os.path.getsize(path)
        engine.count_lines(file.fileno(), 0, total)
        with measured(f"scan {total >> 20} MiB"):
            engine.scan(file.fileno(), 0, total)
        with measured(f"count_lines {total >> 20} MiB"):
            engine.count_lines(file.fileno(), 0, total)


BENCHMARKS = {"words": bench_words, "unique": bench_unique, "mawk": bench_mawk, "sort": bench_sort, "scan": bench_scan}
"""The benchmarks by their names."""


def main() -> None:
    """Run the chosen benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(BENCHMARKS), choices=list(BENCHMARKS))
    parser.add_argument("--megabytes", type=int, default=300)
    chosen = parser.parse_args()
    print(f"{'':<40} {'engine':>7} {'commands':>9} {'wall':>8}   (CPU seconds, CPU seconds, seconds)")
    for name in chosen.names:
        BENCHMARKS[name](chosen.megabytes * 1_000_000)


if __name__ == "__main__":
    main()
