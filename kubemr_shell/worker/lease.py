"""The renewal of a role during long work, such as listing a million inputs or finishing a job of a million parts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from kubemr_shell.board.board import Board
from kubemr_shell.board.steps import RoleClaim
from kubemr_shell.errors import KubemrError


@contextmanager
def kept(board: Board, claim: RoleClaim, *, every_seconds: float) -> Iterator[None]:
    """Renew the claim in a thread during the ``with`` block, in which no other code may use the board."""
    done = threading.Event()

    def renew() -> None:
        held = claim
        while not done.wait(every_seconds):
            try:
                held = board.renew(held)
            except KubemrError:
                return  # the next use of the claim raises LeaseLost

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
