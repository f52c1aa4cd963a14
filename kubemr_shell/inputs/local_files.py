"""Local names become files: a file, a folder with all below it, or a glob.

A folder is read in the order of its paths as bytes, which is the order that S3 lists keys in. What begins with
``_`` or ``.`` is left out below what was named, and so are pipes, devices and sockets, as ``grep -r`` does. Symbolic
links are followed; a folder that is above itself is not entered again. A literal name beats a glob, in each component
of the path; a wildcard at the start of a component does not stand for ``_`` or ``.``.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from kubemr_shell.errors import InputNotFound
from kubemr_shell.shown import shown
from kubemr_shell.storage.local import fingerprint

_WILDCARDS = re.compile(r"[*?[]")
_HIDDEN = ("_", ".")
_NULL_DEVICE = os.makedev(1, 3)
_FILES_A_CHECK = 64
_OpenFolder = tuple[Iterator[os.DirEntry[str]], tuple[int, int]]
_Found = tuple[str, os.stat_result]


class LocalFile(NamedTuple):
    """Without its status, which is large: there may be a million of them."""

    path: str
    size: int
    fingerprint: str


def is_listed_literally(path: str) -> bool:
    return not _WILDCARDS.search(path) or os.path.lexists(path)


class LocalFiles:
    """Finds files, and collects in ``problems`` what is wrong with some of them while it goes on with the rest.

    ``check`` is called now and then, and ends it all by an exception when nobody wants the files any more.
    """

    def __init__(self, check: Callable[[], None] = lambda: None) -> None:
        self._check = check
        self._problems: dict[str, str] = {}

    @property
    def problems(self) -> list[str]:
        return [f"{shown(path)}: {reason}" for path, reason in self._problems.items()]

    def find(self, path: str) -> Iterator[LocalFile]:
        """The files of one name, an absolute path; raises InputNotFound when there is none."""
        known_problems = len(self._problems)
        is_empty = True
        for file in self._named(path) if is_listed_literally(path) else self._matching(path):
            is_empty = False
            yield file
        if is_empty and len(self._problems) == known_problems:
            raise InputNotFound(f"{shown(path)}: {self._why_empty(path)}")

    def _why_empty(self, path: str) -> str:
        if is_listed_literally(path):
            return "nothing to read in this folder (names that begin with _ or . are left out)"
        return "no file matches (names that begin with _ or . are left out)"

    def _named(self, path: str) -> Iterator[LocalFile]:
        try:
            status = os.stat(path)
        except (OSError, ValueError) as error:
            raise InputNotFound(f"{shown(path)}: {_reason(error)}") from error
        if stat.S_ISDIR(status.st_mode):
            yield from self._below(path.rstrip("/"), status)
        elif stat.S_ISREG(status.st_mode) or _is_null_device(status):
            yield from self._readable([(path, status)])
        else:
            raise InputNotFound(
                f"{shown(path)}: is {_kind(status)}, and a task that fails must be able to read its input again: "
                "give it as standard input, with -"
            )

    def _matching(self, path: str) -> Iterator[LocalFile]:
        """Each file once, however many ways the glob finds it."""
        files: dict[str, LocalFile] = {}
        walked: set[str] = set()
        for match in self._matches("", [part for part in path.split("/") if part]):
            if _is_below(match, walked):
                continue
            try:
                status = os.stat(match)
            except OSError as error:
                self._problems[match] = _reason(error)
                continue
            if stat.S_ISDIR(status.st_mode):
                walked.add(match)
                files.update((file.path, file) for file in self._below(match, status))
            elif stat.S_ISREG(status.st_mode) and not path.endswith("/"):
                files.update((file.path, file) for file in self._readable([(match, status)]))
        yield from sorted(files.values(), key=lambda file: os.fsencode(file.path))

    def _matches(self, above: str, parts: list[str]) -> Iterator[str]:
        """Paths that match; ``above`` is a folder without its slash."""
        if not parts:
            yield above
            return
        part, rest = parts[0], parts[1:]
        literal = f"{above}/{part}"
        if is_listed_literally(literal):
            if os.path.lexists(literal):
                yield from self._matches(literal, rest)
        elif part == "**":
            for folder in self._folders(above):
                yield from self._matches(folder, rest)
        else:
            matches = re.compile(fnmatch.translate(part)).match
            for entry in self._entries(above or "/"):
                if matches(entry.name) and (part[0] in _HIDDEN or not entry.name.startswith(_HIDDEN)):
                    yield from self._matches(f"{above}/{entry.name}", rest)

    def _folders(self, top: str) -> Iterator[str]:
        """A folder and all folders below it."""
        try:
            top_status = os.stat(top or "/")
        except OSError:  # a link to nothing is no folder
            return
        if not stat.S_ISDIR(top_status.st_mode):
            return
        yield top
        for path, status in self._walk(top, top_status):
            if stat.S_ISDIR(status.st_mode):
                yield path

    def _below(self, folder: str, status: os.stat_result) -> Iterator[LocalFile]:
        below = self._walk(folder, status)
        return self._readable((path, found) for path, found in below if stat.S_ISREG(found.st_mode))

    def _walk(self, top: str, top_status: os.stat_result) -> Iterator[_Found]:
        """Everything below a folder that is not hidden, folders before what is in them."""
        stack: list[_OpenFolder] = [(self._visible(top or "/"), _identity(top_status))]
        while stack:
            entry = next(stack[-1][0], None)
            if entry is None:
                stack.pop()
                continue
            try:
                status = entry.stat()
            except OSError as error:
                self._problems[entry.path] = _reason(error)
                continue
            if stat.S_ISDIR(status.st_mode):
                if any(identity == _identity(status) for _, identity in stack):
                    continue
                stack.append((self._visible(entry.path), _identity(status)))
            yield entry.path, status

    def _visible(self, folder: str) -> Iterator[os.DirEntry[str]]:
        return (entry for entry in self._entries(folder) if not entry.name.startswith(_HIDDEN))

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        """What is in a folder, in the order of whole paths; nothing if it is no folder."""
        self._check()
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=_place)
        except NotADirectoryError:
            return []
        except OSError as error:
            self._problems[folder] = _reason(error)
            return []

    def _readable(self, found: Iterable[_Found]) -> Iterator[LocalFile]:
        for number, (path, status) in enumerate(found):
            if not number % _FILES_A_CHECK:
                self._check()
            problem = _why_unreadable(path, status)
            if problem:
                self._problems[path] = problem
            else:
                yield LocalFile(path, status.st_size, fingerprint(status))


def _why_unreadable(path: str, status: os.stat_result) -> str:
    if status.st_size:
        return "" if os.access(path, os.R_OK) else "permission denied"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        return _reason(error)
    try:
        if os.read(descriptor, 1):
            return (
                "has bytes, but its size is said to be 0 (a file of the kernel's?): give it as standard input, with -"
            )
    except OSError as error:
        return _reason(error)
    finally:
        os.close(descriptor)
    return ""


def _place(entry: os.DirEntry[str]) -> bytes:
    try:
        is_folder = entry.is_dir()
    except OSError:  # the walk meets it again, and says so
        is_folder = False
    return os.fsencode(entry.name) + (b"/" if is_folder else b"")


def _is_below(path: str, folders: set[str]) -> bool:
    while folders and (path := path.rpartition("/")[0]):
        if path in folders:
            return True
    return False


def _is_null_device(status: os.stat_result) -> bool:
    """``/dev/null`` is an empty file to everybody who types it."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == _NULL_DEVICE


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ValueError):
        return str(error)
    return os.strerror(error.errno).lower() if error.errno else str(error)


def _kind(status: os.stat_result) -> str:
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(status.st_mode), "a device")
