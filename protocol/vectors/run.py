"""Runs the vectors against an executable and prints the results: ``python protocol/vectors/run.py [NAME ...]``.

A vector is a folder with:

- ``vector.json``: a title, the rules of SPEC.md that the vector shows, the spec of the job, and the expected end,
- the files that the job finds in its current folder (``input/`` and scripts),
- ``expected/``: the expected parts, byte for byte.

The executable is called as ``EXECUTABLE job.yaml -o out``. This script needs only the standard library of Python.
"""

# ruff: noqa: INP001, T201 - a script that stands alone and prints its results

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parent
"""The folder of all vectors."""
NOT_FOR_THE_JOB = ("vector.json", "expected")
"""The names in a vector that are not copied to the folder of the job."""
VERSION = "1."
"""The beginning of the version that ``_SUCCESS`` must have."""
TIMEOUT_SECONDS = 60
"""The longest time of one vector."""


def vector_names() -> list[str]:
    """Return the names of all vectors, as GROUP/NAME."""
    return sorted(str(path.parent.relative_to(VECTORS)) for path in VECTORS.glob("*/*/vector.json"))


def run_vector(name: str, executable: Sequence[str]) -> list[str]:
    """Run one vector. Return one sentence for each difference from the expected result."""
    folder = VECTORS / name
    vector = json.loads((folder / "vector.json").read_text())
    with tempfile.TemporaryDirectory(prefix="kubemr-vector-") as work:
        here = Path(work)
        shutil.copytree(folder, here, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*NOT_FOR_THE_JOB))
        # JSON is YAML, so the runner needs no YAML writer.
        (here / "job.yaml").write_text(json.dumps(_document(name, vector["spec"])))
        try:
            done = subprocess.run(
                [*executable, "job.yaml", "-o", "out"],
                cwd=here,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return [f"did not end within {TIMEOUT_SECONDS} seconds"]
        problems = _ending(vector, done.returncode, done.stderr.decode(errors="replace"))
        if vector.get("exit", 0):
            return problems + _nothing_visible(here / "out")
        return problems or _results(here / "out", folder / "expected", vector)


def _document(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "turbobytes.com/v1alpha1",
        "kind": "MapReduceJob",
        "metadata": {"name": name.replace("/", "-")},
        "spec": spec,
    }


def _ending(vector: dict[str, Any], status: int, stderr: str) -> list[str]:
    expected = vector.get("exit", 0)
    problems = [f"exit status {status}, expected {expected}; stderr:\n{stderr}"] if status != expected else []
    problems += [f"stderr does not say {text!r}:\n{stderr}" for text in vector.get("stderr", []) if text not in stderr]
    return problems


def _nothing_visible(out: Path) -> list[str]:
    seen = [path.name for path in _visible(out)]
    return [f"the failed job left {seen}"] if seen else []


def _visible(out: Path) -> list[Path]:
    return sorted(path for path in out.glob("*") if path.name != "_kubemr") if out.is_dir() else []


def _results(out: Path, expected: Path, vector: dict[str, Any]) -> list[str]:
    """Return the differences between the visible results and the expected parts.

    The output must have the expected parts, byte for byte, no other files, and a ``_SUCCESS`` that agrees with them.
    """
    found = {path.name: path.read_bytes() for path in _visible(out)}
    manifest = found.pop("_SUCCESS", None)
    wanted = {path.name: path.read_bytes() for path in sorted(expected.glob("part-*"))}
    if found.keys() != wanted.keys():
        return [f"parts {sorted(found)}, expected {sorted(wanted)}"]
    problems = [
        f"{name} is {found[name][:2000]!r}, expected {wanted[name][:2000]!r}"
        for name in wanted
        if found[name] != wanted[name]
    ]
    if manifest is None:
        return [*problems, "there is no _SUCCESS"]
    return problems + _manifest(json.loads(manifest), found, vector)


def _manifest(manifest: dict[str, Any], parts: dict[str, bytes], vector: dict[str, Any]) -> list[str]:
    described = [
        {"name": name, "bytes": len(data), "records": data.count(b"\n"), "crc32": zlib.crc32(data)}
        for name, data in sorted(parts.items())
    ]
    listed = [{key: part.get(key) for key in ("name", "bytes", "records", "crc32")} for part in manifest["parts"]]
    problems = [] if listed == described else [f"_SUCCESS lists {listed}, the parts are {described}"]
    if not str(manifest.get("version")).startswith(VERSION):
        problems.append(f"_SUCCESS has version {manifest.get('version')!r}, expected {VERSION}x")
    counters = _kept(vector.get("counters", {}), manifest.get("countersDroppedFrom"))
    if manifest["counters"] != counters:
        problems.append(f"_SUCCESS has counters {manifest['counters']}, expected {counters}")
    return problems


def _kept(counters: dict[str, dict[str, int]], dropped_from: list[str] | None) -> dict[str, dict[str, int]]:
    """Return the counters before the first one that was dropped.

    The protocol lets each implementation choose how many counters it keeps.
    """
    if dropped_from is None:
        return counters
    kept = {
        group: {name: amount for name, amount in names.items() if [group, name] < dropped_from}
        for group, names in counters.items()
    }
    return {group: names for group, names in kept.items() if names}


def main(arguments: Sequence[str]) -> int:
    """Run the chosen vectors. Return the exit status: 1 if a vector failed or no vector was chosen."""
    parser = argparse.ArgumentParser(description="Run the vectors of the line protocol against an executable.")
    parser.add_argument("--executable", default="kubemr-shell run", help="the command that runs a job.yaml")
    parser.add_argument("names", nargs="*", metavar="NAME", help="GROUP or GROUP/NAME; default: all")
    options = parser.parse_args(arguments)
    chosen = [name for name in vector_names() if not options.names or {name, name.split("/")[0]} & {*options.names}]
    failed = 0
    for name in chosen:
        problems = run_vector(name, shlex.split(options.executable))
        failed += bool(problems)
        print(f"{'FAIL' if problems else 'ok  '} {name}")
        for problem in problems:
            print("     " + problem.replace("\n", "\n     "))
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
