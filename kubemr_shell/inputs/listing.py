"""Lists the objects that the input names of a job stand for.

The listing finds everything that is missing or unreadable before any command runs, and reports all of it in one error.
An input is one of these:

- a local name: relative to a folder, which is an argument here, or ``file://`` and an absolute path; the name is never
  percent-decoded
- an ``s3://`` key, prefix or glob
- an ``http(s)://`` URL
- ``-`` for standard input

The listing reads the first bytes of local files and URLs, because this costs little. The listing does not read those of
objects in S3, because each object would take a request.

A name that is listed twice is read twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kubemr_shell.errors import InputError, InputNotFound, KubemrError, Unavailable
from kubemr_shell.inputs.descriptors import DIFFERS, STANDARD_INPUT, differs_by_process
from kubemr_shell.inputs.file_kind import HEAD_BYTES, kind_of
from kubemr_shell.inputs.growth import with_ends
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.local_files import LocalFile, LocalFiles, ends_of_file
from kubemr_shell.inputs.problems import all_of
from kubemr_shell.job.split import Codec
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_uri import SCHEME, is_s3, split_uri
from kubemr_shell.shown import shown
from kubemr_shell.storage.locate import scheme_of
from kubemr_shell.waits.retry import LISTING_PATIENCE, Patience
from kubemr_shell.waits.threads import in_threads
from kubemr_shell.waits.waiter import NOBODY, Waiter

if TYPE_CHECKING:
    from kubemr_shell.inputs.http import RemoteObject
    from kubemr_shell.net.s3_pages import Listed

PROBES_AT_ONCE = 16
"""The number of URLs that are probed at the same time."""
_FILE_SCHEME = "file://"


def list_inputs(
    inputs: Sequence[str],
    *,
    inputs_from: str | None,
    decompress: str,
    folder: str,
    stdin_copy: Callable[[], str] | None,
    list_copy: Callable[[], bytes] | None = None,
    s3: S3Config = S3Config(),  # noqa: B008 - frozen
    patience: Patience = LISTING_PATIENCE,
    cancel_fd: int = NOBODY,
) -> list[InputObject]:
    """Return the objects that the inputs, and the inputs in the list ``inputs_from``, stand for.

    ``stdin_copy`` returns the path of a file with a copy of standard input; it is None if there is no standard input.
    ``list_copy`` returns the content of the list if the list can be read only once.

    Raise InputNotFound, StorageUnavailable or Forbidden, which name all inputs that cannot be read. Raise Cancelled
    soon after ``cancel_fd`` has become readable.
    """
    listing = _Listing(
        decompress=decompress, folder=folder, stdin_copy=stdin_copy, s3=s3, patience=patience, cancel_fd=cancel_fd
    )
    names = [*inputs, *listing.names_in(inputs_from, list_copy)] if inputs_from is not None else list(inputs)
    return listing.objects(names)


def absolute_path(name: str, folder: str) -> str:
    """Return the absolute path of a local name. ``folder`` is the folder of relative names.

    Keep ``..``: after a symbolic link, ``..`` does not mean the parent in the path. Raise InputNotFound for an empty
    name or a wrong ``file://`` URI.
    """
    if name.lower().startswith(_FILE_SCHEME):
        host, slash, path = name[len(_FILE_SCHEME) :].partition("/")
        if not slash or host not in ("", "localhost"):
            raise InputNotFound(f"{shown(name)}: write file:// and an absolute path: file:///folder/name")
        name = slash + path
    if not name:
        raise InputNotFound("an input with an empty name: remove it")
    path = os.path.join(folder, name)
    kept = "/".join(part for part in path.split("/") if part not in ("", "."))
    return f"/{kept}/" if kept and path.endswith("/") else f"/{kept}"


class _Listing:
    """A call of ``list_inputs``."""

    def __init__(
        self,
        *,
        decompress: str,
        folder: str,
        stdin_copy: Callable[[], str] | None,
        s3: S3Config,
        patience: Patience,
        cancel_fd: int,
    ) -> None:
        self._decompress = decompress
        self._folder = folder
        self._stdin_copy = stdin_copy
        self._s3 = s3
        self._patience = patience
        self._cancel_fd = cancel_fd
        self._stdin_path: str | None = None
        self._errors: list[KubemrError] = []
        self._local = LocalFiles(Waiter(cancel_fd).check)
        self._remote: dict[str, RemoteObject | KubemrError] = {}
        self._in_s3: dict[str, list[Listed] | KubemrError] = {}

    def names_in(self, list_name: str, copy: Callable[[], bytes] | None) -> list[str]:
        """Return the lines of a list, byte for byte, without blank lines.

        A byte order mark, and a carriage return before a newline, are removed. Keep an error for ``objects``.
        """
        from kubemr_shell.inputs.input_list import text_of_list

        try:
            packed = copy() if copy is not None else self._content(list_name)
            data = text_of_list([packed], list_name)
        except KubemrError as error:
            self._errors.append(error)
            return []
        lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        names = [os.fsdecode(line.removesuffix(b"\r")) for line in lines if line.strip()]
        if not names:
            self._errors.append(InputNotFound(f"{shown(list_name)}: this list of inputs (inputsFrom) is empty"))
        return names

    def objects(self, names: Iterable[str]) -> list[InputObject]:
        """Return the objects of all names, in the order of the names. Raise one error with all problems."""
        names = list(names)
        urls = dict.fromkeys(name for name in names if _is_remote(name))
        self._remote = _probed(urls, self._patience, self._cancel_fd)
        self._in_s3 = _found_in_s3(filter(is_s3, names), self._s3, self._patience, self._cancel_fd)
        found: list[InputObject] = []
        for name in names:
            try:
                found.extend(self._objects_of(name))
            except KubemrError as error:
                self._errors.append(error)
        self._errors += [InputNotFound(problem) for problem in self._local.problems]
        if self._errors:
            raise all_of(self._errors)
        return found

    def _objects_of(self, name: str) -> Iterator[InputObject]:
        if _is_remote(name):
            yield self._remote_object(name)
        elif is_s3(name):
            yield from self._objects_in_s3(name)
        elif name in STANDARD_INPUT:
            for file in self._local.find(self._copy_of_stdin()):
                yield from self._local_object(file)
        elif scheme_of(name) != "file":
            raise InputNotFound(
                f"{shown(name)}: {scheme_of(name)}:// cannot be read: use a path, file://, s3:// or http(s)://"
            )
        else:
            path = absolute_path(name, self._folder)
            if differs_by_process(path):  # this process may be a worker, with files of its own under such names
                raise InputNotFound(f"{shown(path)}: {DIFFERS}")
            for file in self._local.find(path):
                yield from self._local_object(file)

    def _local_object(self, file: LocalFile) -> Iterator[InputObject]:
        """Yield the object of a file. Keep an error about the file for later, and go on."""
        try:
            ends = ends_of_file(file.path, file.size) if file.size else b""
            head = ends[:HEAD_BYTES]
            codec = self._kind_of(head, file.path)
        except KubemrError as error:
            self._errors.append(error)
        else:
            yield InputObject.of_content(
                file.path, size=file.size, fingerprint=with_ends(file.version, ends), head=head, codec=codec
            )

    def _remote_object(self, url: str) -> InputObject:
        remote = self._remote[url]
        if isinstance(remote, KubemrError):
            raise remote
        if self._decompress == "auto":
            remote.check_encoding()
        return InputObject.of_content(
            url,
            size=remote.size,
            fingerprint=remote.version.fingerprint,
            head=remote.head,
            codec=self._kind_of(remote.head, remote.path),
            has_ranges=remote.has_ranges,
        )

    def _objects_in_s3(self, name: str) -> Iterator[InputObject]:
        found = self._in_s3[name]
        if isinstance(found, KubemrError):
            raise found
        bucket, _ = split_uri(name)
        for item in found:
            yield InputObject(
                uri=f"{SCHEME}{bucket}/{item.key}",
                size=item.size,
                codec="auto" if self._decompress == "auto" else "none",
                fingerprint=f"etag {item.etag}" if item.etag else "",
                splittable=True,
            )

    def _kind_of(self, head: bytes, name: str) -> Codec:
        return kind_of(head, name) if self._decompress == "auto" else "none"

    def _copy_of_stdin(self) -> str:
        if self._stdin_copy is None:
            raise InputNotFound("-: there is no standard input here: name files or URLs")
        if self._stdin_path is None:
            self._stdin_path = self._stdin_copy()
        return self._stdin_path

    def _content(self, list_name: str) -> bytes:
        if _is_remote(list_name):
            from kubemr_shell.inputs.http import read_whole

            return read_whole(list_name, self._patience, self._cancel_fd)
        if is_s3(list_name):
            from kubemr_shell.inputs.s3_listing import read_object

            return read_object(list_name, self._s3, self._patience, self._cancel_fd)
        is_stdin = list_name in STANDARD_INPUT
        path = self._copy_of_stdin() if is_stdin else absolute_path(list_name, self._folder)
        try:
            with open(path, "rb") as file:
                return file.read()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InputNotFound(f"{shown(path)}: {reason} (the list of inputs, inputsFrom)") from error


def _is_remote(name: str) -> bool:
    return scheme_of(name) in ("http", "https")


def _probed(urls: Iterable[str], patience: Patience, cancel_fd: int) -> dict[str, RemoteObject | KubemrError]:
    """Return the answer of the server, or the error, for each URL. Several URLs are probed at the same time."""
    urls = list(urls)
    if not urls:
        return {}
    from kubemr_shell.inputs.http import probe

    def answer(url: str, waiter: Waiter) -> RemoteObject | KubemrError:
        try:
            return probe(url, patience, waiter)
        except (InputError, Unavailable) as error:
            return error

    answers = in_threads(answer, urls, at_once=PROBES_AT_ONCE, waiter=Waiter(cancel_fd))
    return dict(zip(urls, answers, strict=True))


def _found_in_s3(
    names: Iterable[str], s3: S3Config, patience: Patience, cancel_fd: int
) -> dict[str, list[Listed] | KubemrError]:
    names = list(names)
    if not names:
        return {}
    from kubemr_shell.inputs.s3_listing import find_objects

    return find_objects(names, s3, patience, cancel_fd)
