"""Explains exit statuses and signals of commands to people: the most likely meaning, in a few words. Pure."""

from __future__ import annotations

import signal

_STATUSES = {
    0: "a success, but okExitCodes does not list 0: add 0 to the list",
    1: "a general failure; grep-like programs exit 1 when nothing matched: allow that with okExitCodes: [0, 1]"
    " (--ok-exit-code 0 --ok-exit-code 1)",
    2: "wrong usage or a serious error of the program; of a shell: a syntax error in the command",
    126: "found, but not executable: a missing execute bit, or not a program",
    127: "a program in the command was not found: check its name, PATH, and whether the image has it",
}
_SIGNALS = {
    signal.SIGKILL: "killed from outside, most often for using too much memory",
    signal.SIGSEGV: "a bug in the program: it used an invalid memory address",
    signal.SIGBUS: "a bug in the program, a mapped file that was truncated, or a full disk",
    signal.SIGABRT: "the program aborted itself: a failed assertion, or not enough memory",
    signal.SIGFPE: "a division by zero in the program",
    signal.SIGILL: "an instruction that this processor does not have: the program may be built for another processor",
    signal.SIGSYS: "a system call that is forbidden here",
    signal.SIGPIPE: "it wrote to a pipe that no process reads any more",
    signal.SIGTERM: "asked to stop from outside",
    signal.SIGINT: "interrupted",
    signal.SIGHUP: "its terminal or session ended",
    signal.SIGXCPU: "over its limit of CPU time",
    signal.SIGXFSZ: "wrote a file over its size limit",
}


def explain(exit_status: int | None, signal_number: int | None) -> str:
    """Return how a command ended and the likely reason.

    For example: ``exit status 137: SIGKILL inside the command: killed from outside, …``.
    """
    if signal_number is not None:
        return _with_meaning(f"killed by {_signal_name(signal_number)}", _signal_meaning(signal_number))
    if exit_status is None:
        return "it has not ended"
    head = f"exit status {exit_status}"
    inner = exit_status - 128
    if _is_signal(inner):
        return _with_meaning(f"{head}: {_signal_name(inner)} inside the command", _signal_meaning(inner))
    return _with_meaning(head, _STATUSES.get(exit_status, ""))


def _with_meaning(head: str, meaning: str) -> str:
    return f"{head}: {meaning}" if meaning else head


def _is_signal(number: int) -> bool:
    return number > 0 and number in signal.valid_signals()


def _signal_meaning(number: int) -> str:
    return next((meaning for known, meaning in _SIGNALS.items() if known == number), "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
