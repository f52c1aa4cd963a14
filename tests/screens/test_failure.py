import os
import subprocess

from kubemr_shell.screens.failure import failure_lines

FAILURE = {
    "task": "map/17",
    "attempt": 3,
    "reason": "exit status 127: not found",
    "command": "nosuch -x",
    "inputs": [{"uri": "/data/[a] b.txt", "start": 100, "end": 2100, "size": 5000}],
    "stderr": "\n".join(f"line {number}" for number in range(40)),
}


def test_one_screen_has_the_task_the_input_the_reason_and_what_to_do() -> None:
    lines = failure_lines(FAILURE, job="j", debug=["kubemr-shell", "debug", "my out", "map/17"], resume=["again"])
    text = "\n".join(lines)
    assert lines[0] == "job j failed: map/17, attempt 3: exit status 127: not found"
    assert "/data/[a] b.txt bytes 100 to 2,100 (2.0 kB)" in text
    assert "kubemr-shell debug 'my out' map/17" in text
    assert "| line 39" in text
    assert "| line 24" not in text
    assert lines[-1].endswith("again")
    assert len(lines) <= 24


def test_a_whole_file_is_named_without_a_range_and_many_are_counted() -> None:
    inputs = [{"uri": f"/f{number}", "start": 0, "end": 5, "size": 5} for number in range(6)]
    text = "\n".join(failure_lines({**FAILURE, "inputs": inputs}, job="j", debug=[], resume=[]))
    assert "/f0\n" in text
    assert "and 2 more" in text
    assert "/f5" not in text


def test_a_job_that_failed_before_any_task_says_just_why() -> None:
    lines = failure_lines({"reason": "/x: no such file"}, job="j", debug=["kubemr-shell"], resume=[])
    assert lines == ["job j failed: /x: no such file"]


def test_a_silent_command_is_said_to_be_silent() -> None:
    lines = failure_lines({**FAILURE, "stderr": "", "command": ["a", "b c"]}, job="j", debug=[], resume=[])
    assert "  it wrote nothing to stderr" in lines
    assert "  command: a 'b c'" in lines


def test_a_command_line_to_paste_has_every_byte_of_a_name() -> None:
    name = os.fsdecode("o'ut \\ \n é ".encode() + b"\xff1")
    line = failure_lines(FAILURE, job="j", debug=["printf", "%s", name], resume=[])[-1]
    assert line.isprintable()
    pasted = subprocess.run(["bash", "-c", line.partition(":")[2]], capture_output=True, check=True)
    assert os.fsdecode(pasted.stdout) == name
