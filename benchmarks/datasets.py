"""Makes the inputs of the benchmarks under ``.data``. They are made once, and are the same in every run on a machine.

A dataset is one file, or a folder of files. The mode (full or quick) scales its size. Beside a file is the folder
``.halves`` with the file cut in two at a line end, for the contenders that run only the commands.
"""

from __future__ import annotations

import base64
import os
import random
import shutil
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import format_datasets

MB = 1_000_000
"""The bytes of a megabyte."""
SEED = 20261124
"""The seed of all random datasets."""
CORPUS_BYTES = 48 * MB
"""The bytes of real text after which the corpus is complete."""
DOCUMENTS = Path("/usr/share/doc")
"""A folder of real text, beside the standard library of Python."""
TEXT_SUFFIXES = {".py", ".txt", ".md", ".rst", ".html", ""}
"""The suffixes of files that may be text."""


def text(path: Path, size: int) -> None:
    """Write lines with the shape of real lines, filled with words that have the same frequency as in real text."""
    draw = random.Random(SEED)
    words, shapes = _corpus()
    with path.open("wb") as out:
        while out.tell() < size:
            chosen = draw.choices(shapes, k=100_000)
            drawn = draw.choices(words, k=sum(count for _, count in chosen))
            at = 0
            lines = []
            for indent, count in chosen:
                lines.append(indent + b" ".join(drawn[at : at + count]))
                at += count
            out.write(b"\n".join(lines) + b"\n")


def _corpus() -> tuple[list[bytes], list[tuple[bytes, int]]]:
    """Return all words of the corpus in their order, and the indentation and the number of words of each line."""
    words: list[bytes] = []
    shapes: list[tuple[bytes, int]] = []
    known: dict[bytes, bytes] = {}
    size = 0
    for data in _texts():
        for line in data.splitlines():
            found = line.split()
            words.extend(known.setdefault(word, word) for word in found)
            shapes.append((line[: len(line) - len(line.lstrip())], len(found)))
        size += len(data)
        if size > CORPUS_BYTES:
            break
    return words, shapes


def _texts() -> Iterator[bytes]:
    for root in (Path(sysconfig.get_path("stdlib")), DOCUMENTS):
        for path in sorted(root.rglob("*")):
            if path.suffix in TEXT_SUFFIXES and path.is_file() and "site-packages" not in path.parts:
                data = path.read_bytes()
                if b"\0" not in data and _is_utf8(data):
                    yield data


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def text_ten_times(path: Path, size: int) -> None:
    """Write the text ten times, one after the other."""
    with path.open("wb") as out:
        for _ in range(10):
            with dataset("text", size // 10, path.parent).open("rb") as source:
                shutil.copyfileobj(source, out, 1 << 20)


def unique(path: Path, size: int) -> None:
    """Write records of 100 bytes, LF included. No two records are equal."""
    draw = random.Random(SEED)
    with path.open("wb") as out:
        while out.tell() < size:
            letters = base64.b64encode(draw.randbytes(99 * 7500))
            out.write(b"".join(letters[at : at + 99] + b"\n" for at in range(0, len(letters), 99)))


def logs(path: Path, size: int) -> None:
    """Write lines of an access log: time, one of 1,000 hosts (a few of them busy), request, status, bytes."""
    draw = random.Random(SEED)
    hosts = [f"host-{number:04d}" for number in range(1000)]
    weights = [1 / (number + 10) for number in range(1000)]
    paths = [f"/{section}/{page}" for section in ("shop", "help", "img", "api/v1") for page in range(250)]
    second = 0
    with path.open("wb") as out:
        while out.tell() < size:
            chosen = zip(draw.choices(hosts, weights, k=100_000), draw.choices(paths, k=100_000), strict=True)
            second += 1
            out.write(
                b"".join(
                    b"1795%06d %s GET %s 200 %d\n" % (second, host.encode(), page.encode(), draw.getrandbits(14))
                    for host, page in chosen
                )
            )


def one_line(path: Path, size: int) -> None:
    """Write one line of ``size`` bytes."""
    path.write_bytes(b"x" * (size - 1) + b"\n")


def small_files(path: Path, size: int) -> None:
    """Make a folder of ``size`` files of 100 bytes."""
    _folder(path, size, lambda number: b"%09d %s\n" % (number, b"small file " * 8 + b"x"))


def tiny_files(path: Path, size: int) -> None:
    """Make a folder of ``size`` files of 2 bytes."""
    _folder(path, size, lambda number: b"x\n")


def _folder(path: Path, count: int, content: Callable[[int], bytes]) -> None:
    path.mkdir()
    for number in range(count):
        (path / f"{number:06d}").write_bytes(content(number))


MAKERS: dict[str, Callable[[Path, int], None]] = {
    "text": text,
    "text-ten-times": text_ten_times,
    "unique": unique,
    "logs": logs,
    "one-line": one_line,
    "small-files": small_files,
    "tiny-files": tiny_files,
    **format_datasets.MAKERS,
}
"""The functions that make the datasets, by the names of the datasets."""


def dataset(name: str, size: int, folder: Path) -> Path:
    """Return the path of a dataset. Make the dataset if it does not exist."""
    path = folder / f"{name}-{size}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + ".unfinished")
        if unfinished.is_dir():
            shutil.rmtree(unfinished)
        MAKERS[name](unfinished, size)
        unfinished.rename(path)
    return path


def halves(path: Path) -> Path:
    """Return the folder with the two halves of a file, cut at a line end."""
    folder = path.with_name(path.name + ".halves")
    if not folder.exists():
        cut_in_two(path, folder, same_key=False)
    return folder


def cut_in_two(path: Path, folder: Path, *, same_key: bool) -> None:
    """Write the halves of a file, cut at a line end, to ``folder``/0 and ``folder``/1.

    With ``same_key``, lines with equal first fields stay in one half.
    """
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    with path.open("rb") as source:
        source.seek(os.path.getsize(path) // 2)
        source.readline()
        if same_key:
            key = source.readline().rstrip(b"\n").split(b"\t")[0]
            middle = source.tell()
            while (line := source.readline()) and line.rstrip(b"\n").split(b"\t")[0] == key:
                middle = source.tell()
        else:
            middle = source.tell()
        source.seek(0)
        with (unfinished / "0").open("wb") as first:
            left = middle
            while left:
                left -= first.write(source.read(min(left, 1 << 20)))
        with (unfinished / "1").open("wb") as second:
            shutil.copyfileobj(source, second, 1 << 20)
    unfinished.rename(folder)
