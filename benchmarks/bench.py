"""Measures kubemr-shell beside the alternatives: ``python -m benchmarks.bench [--quick] [WORD ...]``.

The benchmark makes its inputs, and runs the contenders of each workload in turn for some rounds (A B A B). Then it
compares the results with the expected result, and prints one table. The exit status is 1 if a run of kubemr-shell fails
or gives a wrong result. A missed target is shown in the table only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import datasets, measure, report
from benchmarks.contenders import SORT, Contender
from benchmarks.format_workloads import FORMAT_WORKLOADS
from benchmarks.workloads import WORKLOADS, Compared, Metric, Workload

DATA = Path(__file__).with_name(".data")
"""The folder of inputs and results."""
ALTERNATIVES = Path(__file__).with_name("alternatives")
"""The folder of the scripts of the alternatives."""
UNSCALED = {"one-line", "small-files", "mixed-files"}
"""The datasets that have the same size in a quick benchmark."""
QUICK_ROUNDS = 2
"""The most rounds of a workload in a quick benchmark."""
HURRY_SECONDS = 18 * 60
"""The seconds after which each workload has one round, without slow contenders.

So the whole benchmark ends within half an hour.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The settings of one run of the benchmark, and its measurements."""

    data: Path
    scale: int
    """The number by which sizes are divided."""
    python: str
    """The Python interpreter that has the alternatives that are Python modules."""
    only_ours: bool
    inherited: Mapping[str, str]
    """The environment of the benchmark."""
    clock: Callable[[], float]
    """A function that returns the seconds since the benchmark began."""

    def measure(self, workload: Workload) -> report.Result:
        """Run all rounds of one workload. A contender that fails once is not run again."""
        title = self._title(workload)
        print(title, flush=True)
        left_out = {contender.name: self._left_out(contender) for contender in workload.contenders}
        racing = [contender for contender in workload.contenders if not left_out[contender.name]]
        notes = [f"{name} is left out: {reason}" for name, reason in left_out.items() if reason]
        values: report.Values = {contender.name: [] for contender in racing}
        wrong = False
        environments = {contender.name: self._environment(workload, contender) for contender in racing}
        for number in range(self._rounds(workload)):
            for contender in tuple(racing):
                if contender.slow and number:
                    continue
                value, problem = self._run(workload, contender, environments[contender.name], check=number == 0)
                if problem:
                    notes.append(f"{contender.name}: {problem}")
                    wrong = wrong or contender.is_ours
                    racing.remove(contender)
                else:
                    values[contender.name].append(value)
        return report.Result(workload=workload, title=title, values=values, notes=tuple(notes), wrong=wrong)

    def _rounds(self, workload: Workload) -> int:
        if self._hurries():
            return 1
        return workload.rounds if self.scale == 1 else min(workload.rounds, QUICK_ROUNDS)

    def _hurries(self) -> bool:
        return self.clock() > HURRY_SECONDS

    def _title(self, workload: Workload) -> str:
        size = self._size(workload.source)
        return f"{workload.name}, {size // datasets.MB} MB" if size >= datasets.MB else workload.name

    def _size(self, source: tuple[str, int]) -> int:
        name, size = source
        return size if name in UNSCALED else size // self.scale

    def _left_out(self, contender: Contender) -> str:
        """Return the reason why a contender does not take part, or an empty string."""
        if self.only_ours and not contender.is_ours:
            return "--ours"
        if self.scale > 1 and contender.slow:
            return "too slow for --quick"
        if contender.slow and self._hurries():
            return f"too slow for what is left after {HURRY_SECONDS // 60} minutes"
        missing = [need.removeprefix("python:") for need in contender.needs if not self._has(need)]
        return f"not installed: {', '.join(missing)}" if missing else ""

    def _has(self, need: str) -> bool:
        if not need.startswith("python:"):
            return shutil.which(need) is not None
        found = measure.run(
            f'"{self.python}" -c "import {need.removeprefix("python:")}"', self.inherited, self._log, sample=False
        )
        return found.status == 0

    @property
    def _log(self) -> Path:
        return self.data / "stderr"

    def _environment(self, workload: Workload, contender: Contender) -> dict[str, str]:
        """Return the environment of the contender's line of shell, and make the inputs that the line names."""
        source = contender.source or workload.source
        path = datasets.dataset(source[0], self._size(source), self.data)
        commands = {
            name: command.replace('"$ALTERNATIVES"', str(ALTERNATIVES))
            for name, command in (("MAP", workload.map_command), ("REDUCE", workload.reduce_command))
        }
        environment = {
            **self.inherited,
            **commands,
            "PATH": f"{Path(sys.executable).parent}:{self.inherited['PATH']}",
            "LC_ALL": "C",
            "INPUT": str(path),
            "INPUTS": str(contender.inputs),
            "OUT": str(self.data / "out"),
            "JOB": str(self._job(workload, contender, path, commands)),
            "ALTERNATIVES": str(ALTERNATIVES),
            "PYTHON": self.python,
            "SECONDS": str(self.data / "seconds"),
        }
        wanted = contender.shell + workload.truth
        if "$HALVES" in wanted:
            environment["HALVES"] = str(datasets.halves(path))
        if "$SORTED" in wanted:
            environment["SORTED"] = str(self._sorted(path, environment))
        return environment

    def _job(self, workload: Workload, contender: Contender, path: Path, commands: Mapping[str, str]) -> Path:
        spec = {"inputs": [str(path)] * contender.inputs, "mapCommand": commands["MAP"], **workload.spec}
        if spec.get("partitions") != 0:
            spec["reduceCommand"] = commands["REDUCE"]
        document = {
            "apiVersion": "turbobytes.com/v1alpha1",
            "kind": "MapReduceJob",
            "metadata": {"name": "bench"},
            "spec": spec,
        }
        # JSON is YAML.
        text = json.dumps(document)
        job = self.data / f"job-{zlib.crc32(text.encode()):08x}.yaml"
        job.write_text(text)
        return job

    def _sorted(self, path: Path, environment: Mapping[str, str]) -> Path:
        """Return the folder with the sorted output of MAP, cut in two between keys. It is made once per command."""
        folder = path.with_name(f"{path.name}.sorted-{zlib.crc32(environment['MAP'].encode()):08x}")
        if not folder.exists():
            whole = self.data / "sorted.unfinished"
            shell = f'sh -c "$MAP" < "$INPUT" | {SORT} > "{whole}"'
            made = measure.run(shell, environment, self._log, sample=False)
            if made.status:
                raise SystemExit(f"cannot sort the output of {environment['MAP']}: {made.stderr}")
            datasets.cut_in_two(whole, folder, same_key=True)
            whole.unlink()
        return folder

    def _run(
        self, workload: Workload, contender: Contender, environment: Mapping[str, str], *, check: bool
    ) -> tuple[float, str]:
        """Run a contender once. Return the measured value, and a problem, which is empty if the run is correct."""
        out = self.data / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        own = self.data / "seconds"
        own.unlink(missing_ok=True)
        if problem := self._aside(contender.before, environment):
            return 0, problem
        run = measure.run(contender.shell, environment, self._log, sample=workload.metric is Metric.PEAK)
        seconds = float(own.read_text()) if own.exists() else run.seconds
        value = (run.peak_bytes if workload.metric is Metric.PEAK else seconds) / contender.per
        print(f"  {contender.name:40}{report.show(value, workload.metric):>10}", flush=True)
        if run.status:
            return value, f"exit status {run.status}: {run.stderr.strip()}"
        if check and contender.has_result and workload.truth:
            if problem := self._aside(contender.after, environment):
                return value, problem
            found = measure.digest(workload.compared.value, environment)
            if found != measure.digest(_truth(workload), environment):
                return value, "its result is not what it should be"
        return value, ""

    def _aside(self, shell: str, environment: Mapping[str, str]) -> str:
        """Run a line of shell without measuring it. Return the problem, or an empty string."""
        run = measure.run(shell, environment, self._log, sample=False)
        return f"{shell}: exit status {run.status}: {run.stderr.strip()}" if run.status else ""


def _truth(workload: Workload) -> str:
    return f"{{ {workload.truth}; }} | {SORT}" if workload.compared is Compared.SORTED else workload.truth


def main(arguments: Sequence[str]) -> int:
    """Run the chosen workloads. Return the exit status."""
    parser = argparse.ArgumentParser(description="Measure kubemr-shell beside the alternatives.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, fewer rounds")
    parser.add_argument("--ours", action="store_true", help="leave the alternatives out")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has mrjob and pyspark")
    parser.add_argument("--json", type=Path, default=DATA / "results.json", help="where the figures go as JSON")
    parser.add_argument("words", nargs="*", metavar="WORD", help="only workloads whose names hold one of these words")
    options = parser.parse_args(arguments)
    start = time.monotonic()
    bench = Bench(
        data=DATA,
        scale=10 if options.quick else 1,
        python=options.python,
        only_ours=options.ours,
        inherited=dict(os.environ),  # noqa: TID251 - a command line of its own
        clock=lambda: time.monotonic() - start,
    )
    DATA.mkdir(exist_ok=True)
    chosen = [
        one
        for one in (*WORKLOADS, *FORMAT_WORKLOADS)
        if not options.words or any(word in one.name for word in options.words)
    ]
    results = [bench.measure(workload) for workload in chosen]
    print(f"\n{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}\n")
    print(report.table(results))
    if options.quick:
        print("The targets are meant for ten times as much: see python -m benchmarks.bench.")
    options.json.write_text(json.dumps(report.as_json(results), indent=2) + "\n")
    print(f"\nas JSON: {options.json}")
    return 1 if any(result.wrong for result in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
