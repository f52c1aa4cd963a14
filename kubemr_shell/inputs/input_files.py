"""Puts the files of a split into the folder of an attempt, for commands that need paths (``split.feed: files``)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from kubemr_shell.errors import InputChanged, InputError, OutOfSpace
from kubemr_shell.inputs.download import is_remote
from kubemr_shell.inputs.file_feed import open_planned
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.planned_file import read_remote
from kubemr_shell.job.names import INPUT_LIST, input_name
from kubemr_shell.job.split import Piece, Split
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.shown import shown
from kubemr_shell.storage.local import write_all
from kubemr_shell.storage.os_errors import explained
from kubemr_shell.waits.waiter import NOBODY, Waiter


class InputFiles:
    """The files of a split, and the feed of a command that reads them: it writes nothing to stdin.

    A ``uri`` without a scheme is a file, relative to ``folder``.
    """

    def __init__(self, split: Split, *, folder: str, s3: S3Config) -> None:
        self._pieces = split.pieces
        self._folder = folder
        self._s3 = s3
        self.moved = 0
        """The bytes that were fetched so far. Any thread may read this progress."""
        self.records_fed = 0
        """The number of records written to the command: none."""
        self.notices: list[str] = []
        """Sentences about the inputs for the user: none."""

    @property
    def bytes_fed(self) -> int:
        """Return the size in bytes of the files, as they are stored."""
        return sum(piece.size or 0 for piece in self._pieces)

    def __call__(self, fd: int, cancel_fd: int) -> None:
        """Write nothing, so that the command meets the end of its stdin at once."""

    @contextmanager
    def placed(self, folder: str, cancel_fd: int = NOBODY) -> Iterator[list[str]]:
        """Link or fetch the files into ``folder``, and yield their names in it. The owner of the folder removes them.

        Raise InputNotFound, InputChanged or InputError, which name the file, also if a local file has changed at the
        end. Raise OutOfSpace, StorageUnavailable and Cancelled.
        """
        self.moved = 0
        self._check_space(folder)
        names = [self._place(piece, folder, cancel_fd) for piece in self._pieces]
        yield names
        self._check_local(piece for piece in self._pieces if not is_remote(piece.uri))

    def _check_space(self, folder: str) -> None:
        wanted = sum(piece.size or 0 for piece in self._pieces if is_remote(piece.uri))
        if wanted and wanted > (free := shutil.disk_usage(folder).free):
            raise OutOfSpace(
                f"no space for the files of a task in {folder}: they have {wanted:,} bytes, and {free:,} are free: "
                "make room in the file system of this folder"
            )

    def _place(self, piece: Piece, folder: str, cancel_fd: int) -> str:
        name = input_name(piece.uri)
        path = os.path.join(folder, name)
        try:
            if is_remote(piece.uri):
                self._fetch(piece, path, cancel_fd)
            else:
                self._check_local([piece])
                os.symlink(os.path.abspath(os.path.join(self._folder, piece.uri)), path)
        except FileExistsError as error:
            raise InputError(
                f"{shown(piece.uri)}: the folder of the attempt already has a file {shown(name)}, of this task or of "
                "the job's files and archives: rename one of the files"
            ) from error
        except OSError as error:
            raise explained(error, path) from error
        return name if not name.startswith("-") else f"./{name}"

    def _fetch(self, piece: Piece, path: str, cancel_fd: int) -> None:
        target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            if piece.size != 0:
                for block in read_remote(piece, self._s3, Waiter(cancel_fd)):
                    write_all(target, block, path)
                    self.moved += len(block)
        finally:
            os.close(target)

    def _check_local(self, pieces: Iterable[Piece]) -> None:
        """Compare local files with the plan. The command reads all bytes of a file, so none may have been added."""
        for piece in pieces:
            notices: list[str] = []
            with open_planned(piece, os.path.join(self._folder, piece.uri), notices):
                pass
            if notices:
                raise InputChanged(
                    f"{shown(piece.uri)}: became longer after the job was planned, and split.feed: files gives the "
                    "whole file to the command: start the job again"
                )


def whole_files(objects: Sequence[InputObject]) -> list[InputObject]:
    """Return the inputs as files that are passed on as they are stored.

    Raise InputError for an input whose name cannot be used in the folder of the attempt. The list of the files has one
    name in each line, and is in the same folder.
    """
    for item in objects:
        name = input_name(item.uri)
        if name == INPUT_LIST:
            raise InputError(
                f"{shown(item.uri)}: has the name of the list of inputs in the folder of each attempt "
                "(split.feed: files): rename the file"
            )
        if name in ("", ".", ".."):
            raise InputError(
                f"{shown(item.uri)}: ends without the name of a file, and split.feed: files puts each input under its "
                "name into the folder of the attempt: download it to a file, and name this file"
            )
        if "\n" in item.uri:
            raise InputError(
                f"{shown(item.uri)}: has a line break in its name, and KUBEMR_INPUT_FILES has one name in each line: "
                "rename the file"
            )
    return [
        InputObject(uri=item.uri, size=item.size, codec="none", fingerprint=item.fingerprint, splittable=False)
        for item in objects
    ]
