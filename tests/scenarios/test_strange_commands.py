"""Commands that do strange things to their folder: the job's result is the same, or one line says why there is none."""

from __future__ import annotations

import pytest

from tests.scenarios.runs import Place, unprivileged

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
    assert done.stderr.rstrip().endswith("then go on with --resume")
    assert place.run("run", "-o", "out", *words, "-p", "2", "--slots", "1", *inputs, "--resume").code == 0
    assert sorted(b"".join(place.parts().values()).decode().splitlines(keepends=True)) == LINES
