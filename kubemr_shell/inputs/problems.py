"""One error for all inputs of a job that cannot be read."""

from __future__ import annotations

from kubemr_shell.errors import Forbidden, InputNotFound, KubemrError, StorageUnavailable, Unavailable

PROBLEMS_SHOWN = 20
"""The largest number of problems that one error shows."""


def all_of(errors: list[KubemrError]) -> KubemrError:
    """Join several errors into one. If all errors have one class, the new error has this class too."""
    if len(errors) == 1:
        return errors[0]
    lines = [f"{len(errors)} inputs cannot be read:", *(f"  {error}" for error in errors[:PROBLEMS_SHOWN])]
    if len(errors) > PROBLEMS_SHOWN:
        lines.append(f"  and {len(errors) - PROBLEMS_SHOWN} more")
    kinds = ((Unavailable, StorageUnavailable), (Forbidden, Forbidden))
    same = (made for kind, made in kinds if all(isinstance(error, kind) for error in errors))
    return next(same, InputNotFound)("\n".join(lines))
