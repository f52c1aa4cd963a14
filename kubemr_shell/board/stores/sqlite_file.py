"""The opening of a board's SQLite file, and the translation of SQLite's errors into errors of the board."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from kubemr_shell.errors import BoardUnavailable, Forbidden, KubemrError, OutOfSpace, Sequel

APPLICATION_ID = 0x4B424D52  # "KBMR"
"""The ``application_id`` of SQLite that marks a file as a board."""
SCHEMA_VERSION = 1
"""The version of the tables of a board, in SQLite's ``user_version``."""

_SCHEMA = """
CREATE TABLE documents (
  kind TEXT NOT NULL, name TEXT NOT NULL, job TEXT,
  created INTEGER NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
  UNIQUE (kind, name)
);
CREATE INDEX documents_by_version ON documents (kind, version);
CREATE TABLE deleted (version INTEGER PRIMARY KEY, kind TEXT NOT NULL, created INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE counter (version INTEGER NOT NULL);
INSERT INTO counter VALUES (0)
"""

# The codes that mean a full disk. SQLITE_FULL covers only the main file and the WAL, not the shared memory.
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}


def open_file(path: str, *, create: bool, busy_seconds: float) -> sqlite3.Connection:
    """Return a connection to a board, in autocommit mode. With ``create``, make the board if there is none.

    Raise BoardUnavailable if there is no board, or the file holds anything else. Errors of SQLite pass through.
    """
    if not create and not os.path.exists(path):
        raise BoardUnavailable(f"{path}: there is no board")
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    try:
        _set_up(connection, path, create=create, deadline=time.monotonic() + busy_seconds)
    except BaseException:
        connection.close()
        raise
    return connection


def is_same_file(path: str, identity: os.stat_result) -> bool:
    """Return whether the path still names the file with this identity."""
    try:
        return os.path.samestat(os.stat(path), identity)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _set_up(connection: sqlite3.Connection, path: str, *, create: bool, deadline: float) -> None:
    # The reads share one transaction, because another process may make the board between two reads.
    connection.execute("BEGIN")
    ours = _is_ours(connection, path)
    connection.execute("COMMIT")
    if not ours:
        if not create:
            raise BoardUnavailable(f"{path}: there is no board in this file")
        _switch_to_wal(connection, deadline)
        connection.execute("BEGIN IMMEDIATE")
        if not _is_ours(connection, path):
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    # A process that dies loses nothing in either mode. FULL would sync at each commit, which takes 5 to 20 ms.
    connection.execute("PRAGMA synchronous = NORMAL")


def _is_ours(connection: sqlite3.Connection, path: str) -> bool:
    """Return whether the file holds a board; False if it is empty. Raise BoardUnavailable if it holds anything else."""
    application, schema, tables = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version", "schema_version")
    )
    if (application, schema, tables) == (0, 0, 0):
        return False
    if application != APPLICATION_ID:
        raise BoardUnavailable(f"{path}: an SQLite file, but not a board")
    if schema != SCHEMA_VERSION:
        raise BoardUnavailable(
            f"{path}: the board has version {schema}, and this program knows version {SCHEMA_VERSION}: "
            "only the program that began the job can continue it",
            sequel=Sequel.BEGINS_ANEW,
        )
    return True


def _switch_to_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Switch the file to WAL mode. Repeat while another process does the same: here SQLite itself does not wait."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Translate the errors of SQLite inside the ``with`` block into errors of the board."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:
            raise  # a wrong call, not a failure of the file
        raise _explanation(path, error, code) from error


def _explanation(path: str, error: sqlite3.DatabaseError, code: int) -> KubemrError:
    if code in _FULL:
        return _out_of_space(path)
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_PROTOCOL:
            return BoardUnavailable(f"{path}: other processes kept the board locked for too long")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return BoardUnavailable(f"{path}: the board is damaged, or not a board", sequel=Sequel.BEGINS_ANEW)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return Forbidden(f"{path}: no permission to write the board")
        case sqlite3.SQLITE_CANTOPEN:
            return _cannot_open(path)
        case _:
            return BoardUnavailable(f"{path}: {error} ({error.sqlite_errorname})")


def _cannot_open(path: str) -> KubemrError:
    """Return the reason why the file cannot be opened. SQLite does not give the reason, but ``open`` does."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC))
    except FileNotFoundError:
        return BoardUnavailable(f"{path}: the folder of the board is missing")
    except OSError as error:
        if OutOfSpace.is_cause(error):
            return _out_of_space(path)
        reason = os.strerror(error.errno or 0)
        match error.errno:
            case errno.EACCES | errno.EPERM | errno.EROFS:
                return Forbidden(f"{path}: no permission to open the board: {reason}")
            case _:
                return BoardUnavailable(f"{path}: the board cannot be opened: {reason}")
    return BoardUnavailable(f"{path}: the board cannot be opened, or files cannot be made beside it")


def _out_of_space(path: str) -> OutOfSpace:
    return OutOfSpace(f"{path}: no space left for the board: make room")
