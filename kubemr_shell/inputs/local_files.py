"""The files that local names stand for: a file, a folder with everything below it, or a glob.

The files of a folder are in the order of their paths as bytes, which is the order in which S3 lists keys. Below the
named folder, names that begin with ``_`` or ``.`` are left out. Pipes, devices and sockets are left out too, as
``grep -r`` does. Symbolic links are followed, but a folder that is its own ancestor is not entered again. In each
component of the path, a literal name takes precedence over a glob, and a whole literal path over braces. A wildcard
at the start of a component does not match ``_`` or ``.``.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from kubemr_shell.errors import InputNotFound
from kubemr_shell.inputs.braces import TooManyNames, expanded, has_braces, missed
from kubemr_shell.inputs.descriptors import DIFFERS, differs_by_process
from kubemr_shell.inputs.growth import ends_of, version_of
from kubemr_shell.shown import shown

_WILDCARDS = re.compile(r"[*?[]")
_HIDDEN = ("_", ".")
_NULL_DEVICE = os.makedev(1, 3)
_FILES_A_CHECK = 64
_OpenFolder = tuple[Iterator[os.DirEntry[str]], tuple[int, int]]
_Found = tuple[str, os.stat_result]


class _NothingMatches(InputNotFound):
    """A folder or a pattern has no files."""


class LocalFile(NamedTuple):
    """A file without its status, which is large: a list may have a million files."""

    path: str
    size: int
    """The size in bytes."""
    version: str
    """The version of the file without the checksum of its ends, by ``version_of``."""


def is_listed_literally(path: str) -> bool:
    """Return whether the path is a literal name: it has no wildcards, or it exists."""
    return not _WILDCARDS.search(path) or os.path.lexists(path)


def ends_of_file(path: str, size: int) -> bytes:
    """Return the first and last bytes of a file, by ``ends_of``. Raise InputNotFound if the file cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return ends_of(descriptor, size)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise InputNotFound(f"{shown(path)}: {_reason(error)}") from error


class LocalFiles:
    """A search for files. ``problems`` collects the problems of single files while the search continues.

    The search calls ``check`` regularly. If the search is cancelled, ``check`` ends it with an exception.
    """

    def __init__(self, check: Callable[[], None] = lambda: None) -> None:
        self._check = check
        self._problems: dict[str, str] = {}

    @property
    def problems(self) -> list[str]:
        """Return a message for each file or folder that cannot be read."""
        return [f"{shown(path)}: {reason}" for path, reason in self._problems.items()]

    def find(self, path: str) -> Iterator[LocalFile]:
        """Yield the files of one name, which is an absolute path. Raise InputNotFound if there is none."""
        try:
            is_pattern = not os.path.lexists(path) and has_braces(path)
        except TooManyNames as error:
            raise InputNotFound(f"{shown(path)}: {error}") from error
        yield from self._of_braces(path) if is_pattern else self._find(path)

    def _of_braces(self, path: str) -> Iterator[LocalFile]:
        """Yield each file that an expansion of the braces finds once. Each alternative has to find a file."""
        expansions = expanded(path)
        files: dict[str, LocalFile] = {}
        matched = []
        for expansion in expansions:
            if is_listed_literally(expansion.name) and not os.path.lexists(expansion.name):
                continue
            with suppress(_NothingMatches):
                files.update((file.path, file) for file in self._find(expansion.name))
                matched.append(expansion)
        if not matched and not _WILDCARDS.search(path):
            raise InputNotFound(f"{shown(path)}: no file matches")
        if not matched:  # a folder may have braces in its name
            yield from self._find(path)
        elif alternative := missed(path, expansions, matched):
            raise InputNotFound(
                f"{shown(path)}: no file matches the alternative {alternative} of its braces: correct or remove it"
            )
        else:
            yield from sorted(files.values(), key=lambda file: os.fsencode(file.path))

    def _find(self, path: str) -> Iterator[LocalFile]:
        known_problems = len(self._problems)
        is_empty = True
        for file in self._named(path) if is_listed_literally(path) else self._matching(path):
            is_empty = False
            yield file
        if is_empty and len(self._problems) == known_problems:
            raise _NothingMatches(f"{shown(path)}: {self._why_empty(path)}")

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
        """Yield each file that a glob matches once, even if the glob finds it on several ways."""
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
        """Yield the paths below ``above`` that match; ``above`` is a folder without a slash at its end."""
        if not parts:
            yield above
            return
        part, rest = parts[0], parts[1:]
        literal = f"{above}/{part}"
        if is_listed_literally(literal):
            if os.path.lexists(literal) and not self._is_own(literal):
                yield from self._matches(literal, rest)
        elif part == "**":
            for folder in self._folders(above):
                yield from self._matches(folder, rest)
        else:
            matches = re.compile(fnmatch.translate(part)).match
            for entry in self._entries(above or "/"):
                is_meant = matches(entry.name) and (part[0] in _HIDDEN or not entry.name.startswith(_HIDDEN))
                if is_meant and not (entry.is_symlink() and self._is_own(entry.path)):
                    yield from self._matches(f"{above}/{entry.name}", rest)

    def _folders(self, top: str) -> Iterator[str]:
        """Yield a folder and all visible folders below it."""
        try:
            top_status = os.stat(top or "/")
        except OSError:  # a broken link is not a folder
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
        """Yield all files and folders below a folder that are not hidden, each folder before its content."""
        stack: list[_OpenFolder] = [(self._visible(top or "/"), _identity(top_status))]
        while stack:
            entry = next(stack[-1][0], None)
            if entry is None:
                stack.pop()
                continue
            if entry.is_symlink() and self._is_own(entry.path):
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

    def _is_own(self, path: str) -> bool:
        """Return whether a path leads each process to a file of its own, and record such a path as a problem."""
        is_own = differs_by_process(path)
        if is_own:
            self._problems[path] = DIFFERS
        return is_own

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        """Return the entries of a folder in the order of their whole paths, or nothing if it is not a folder."""
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
                yield LocalFile(path, status.st_size, version_of(status))


def _why_unreadable(path: str, status: os.stat_result) -> str:
    """Return the reason why a file cannot be read, or an empty string.

    A file with a size passes: whoever reads its first bytes finds whether the file can be opened.
    """
    if status.st_size:
        return ""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        return _reason(error)
    try:
        if os.read(descriptor, 1):
            return (
                "has bytes, but the system reports the size 0 (is it a file of the kernel?): give it as standard "
                "input, with -"
            )
    except OSError as error:
        return _reason(error)
    finally:
        os.close(descriptor)
    return ""


def _place(entry: os.DirEntry[str]) -> bytes:
    """Return the key by which entries are sorted. The name of a folder ends with a slash, as in whole paths."""
    try:
        is_folder = entry.is_dir()
    except OSError:  # the walk meets the same error later, and reports it
        is_folder = False
    return os.fsencode(entry.name) + (b"/" if is_folder else b"")


def _is_below(path: str, folders: set[str]) -> bool:
    while folders and (path := path.rpartition("/")[0]):
        if path in folders:
            return True
    return False


def _is_null_device(status: os.stat_result) -> bool:
    """Return whether the file is ``/dev/null``, which counts as an empty file."""
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
