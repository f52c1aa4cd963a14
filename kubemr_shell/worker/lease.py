"""Keeps a role while its work takes longer than a lease: listing a million inputs, or finishing a million parts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from kubemr_shell.board.board import Board
from kubemr_shell.board.steps import RoleClaim
from kubemr_shell.errors import KubemrError


@contextmanager
def kept(board: Board, claim: RoleClaim, *, every_seconds: float) -> Iterator[None]:
    """Renew the claim from a thread of its own. Inside, nothing else may use the board."""
    done = threading.Event()

    def renew() -> None:
        held = claim
        while not done.wait(every_seconds):
            try:
                held = board.renew(held)
            except KubemrError:
                return  # whoever uses the claim after the work finds out

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
