"""Commands that do strange things to their folder: the job's result is the same, or one line says why there is none."""

from __future__ import annotations

import pytest

from tests.scenarios.test_failures import hint
from tests.support.runs import Place, unprivileged

LINES = [f"{number:04d}\n" for number in range(400)]


def with_four_inputs(place: Place) -> list[str]:
    """Inputs that share one split, so that the folder of the attempt holds a list of them."""
    names = [f"in{number}" for number in range(4)]
    for number, name in enumerate(names):
        place.write(name, "".join(LINES[number::4]))
    return names


@pytest.mark.parametrize(
    "strange",
    [
        'rm -rf "$TMPDIR"',
        "find . -delete",
        "rm -rf ../*",
        "rm -f .kubemr-inputs; mkdir .kubemr-inputs",
        "chmod 0 .",
        'cd ..; rm -rf "$TMPDIR"; ln -s / "$TMPDIR"',
        'cd ..; rm -rf "$TMPDIR"; echo >"$TMPDIR"',
    ],
)
@pytest.mark.parametrize("order", ["{strange}; cat", "cat; {strange}"], ids=["first", "last"])
def test_a_command_may_do_anything_to_its_folder(place: Place, strange: str, order: str) -> None:
    inputs = with_four_inputs(place)
    command = order.format(strange=strange)
    words = ("run", "-o", "out", "-m", command, "-c", command, "-r", command, "-p", "2", "--slots", "1", *inputs)
    done = place.start(*words, under=unprivileged()).wait()
    assert done.code == 0, done.stderr
    assert sorted(b"".join(place.parts().values()).decode().splitlines(keepends=True)) == LINES


@pytest.mark.parametrize("phase", ["-m", "-r", "-c"])
def test_a_command_that_removes_the_folder_of_its_worker_ends_the_run_with_its_name(place: Place, phase: str) -> None:
    inputs = with_four_inputs(place)
    commands = {"-m": "cat", "-c": "cat", "-r": "cat"}
    words = [word for pair in commands.items() for word in pair]
    did = place.folder / "did"
    once = f"[ -e {did} ] || {{ touch {did}; rm -rf ../../*; }}; cat"
    words[words.index(phase) + 1] = once

    done = place.run("run", "-o", "out", *words, "-p", "2", "--slots", "1", *inputs)

    assert done.code == 1
    assert f"{place.job_folder()}/scratch/" in done.stderr
    assert done.stderr.rstrip().endswith("then continue with --resume")
    assert place.run("run", "-o", "out", *words, "-p", "2", "--slots", "1", *inputs, "--resume").code == 0
    assert sorted(b"".join(place.parts().values()).decode().splitlines(keepends=True)) == LINES


@pytest.mark.parametrize("reduce", [["-p", "0"], ["-p", "1", "-r", "cat"]], ids=["map", "reduce"])
def test_a_limit_on_the_size_of_files_is_named_with_the_file(place: Place, reduce: list[str]) -> None:
    place.write("in", "x\n")
    words = ("run", "-o", "out", "-m", "seq 200000", *reduce, "in")
    done = place.start(*words, under=["prlimit", "--fsize=400000"]).wait()
    assert done.code == 1
    assert f"{place.job_folder()}/" in done.stderr
    assert "raise the limit on the size of files (ulimit -f)" in done.stderr


def test_a_result_is_complete_though_its_temporaries_cannot_be_removed(place: Place) -> None:
    place.write("in", "x\n")
    command = "cd ../..; mkdir locked; touch locked/x; chmod 0 locked; cat"
    done = place.start("run", "-o", "out", "-m", command, "-p", "0", "in", under=unprivileged()).wait()
    assert done.code == 0
    assert "the result is complete, but temporaries are left" in done.stderr
    assert place.parts() == {"part-00000": b"x\n"}
    [left] = place.output.glob("_kubemr/.kubemr-deleted-*/scratch/locked")
    left.chmod(0o700)

    cleaned = place.run(*hint(done, "remove them: "))

    assert cleaned.code == 0, cleaned.stderr
    assert not (place.output / "_kubemr").exists()
    assert place.parts() == {"part-00000": b"x\n"}
