"""The jobs of the language images: inputs, and commands that do the same on this machine."""

from __future__ import annotations

import json
import random
import shlex
import sys
from dataclasses import dataclass

from tests.support.containers import ROOT

IMAGES = ROOT / "images"
SUM = str(IMAGES / "perl" / "sum.pl")


@dataclass(frozen=True, kw_only=True)
class Job:
    """The input of an image's job, and the commands that do the same on this machine."""

    inputs: bytes
    map: str
    reduce: str


def python(name: str) -> str:
    return shlex.join([sys.executable, str(IMAGES / "python" / name)])


def access_log() -> bytes:
    dice = random.Random(1)
    lines = []
    for _ in range(20_000):
        path = f"/{dice.choice('abcdefgh') * 3}?q=".encode() + bytes([dice.randrange(128, 256)])
        lines.append(
            b'10.0.0.%d - - [10/Oct/2026:13:55:36 +0000] "GET %s HTTP/1.1" %d %d "-" "curl/8"\n'
            % (dice.randrange(50), path, dice.choice((200, 200, 304, 404, 500, 503)), dice.randrange(5000))
        )
    return b"".join(lines) + b"no line of a log\n"


def text() -> bytes:
    dice = random.Random(2)
    words = [dice.randbytes(dice.randrange(1, 8)).replace(b"\n", b"-") for _ in range(300)]
    words += [
        b"Word",
        b"word",
        "Größe".encode(),
        b"http://Example.org/x?y",
        b"see:https://a-b.example:8080",
        b"ftp://no",
    ]
    return b"".join(b" ".join(dice.choices(words, k=12)) + b"\n" for _ in range(10_000)) + b"the last has no end"


def documents() -> bytes:
    dice = random.Random(3)
    words = [b"Bread", b"bread", b"soup", "Brühe".encode(), b"\xff\xfe", b"salt\r", b"a\0b"]
    return b"".join(b"doc-%d\t%s\n" % (dice.randrange(200), b", ".join(dice.choices(words, k=6))) for _ in range(2000))


def objects() -> bytes:
    dice = random.Random(4)
    rows = [{"country": dice.choice(["NL", "Ã\t", "雪", ""]), "cents": dice.randrange(1 << 40)} for _ in range(5000)]
    rows += [{"country": None, "cents": 5}, {"cents": 6}]
    lines = [json.dumps(row, ensure_ascii=dice.random() < 0.5).encode() for row in rows]
    return b"\n".join([*lines, b"{", b'{"country": "\xff", "cents": 1}', b'{"country": "NL", "cents": 1.5}', b""])


COUNTRIES = """
import json, sys
for line in sys.stdin.buffer:
    try:
        row = json.loads(line.decode())
        print(json.dumps(row.get("country"), ensure_ascii=False) + "\\t" + str(int(str(row["cents"]))))
    except ValueError:
        pass
"""

JOBS = {
    "shell": Job(inputs=access_log(), map="awk '$9 ~ /^5/ {print $7}'", reduce="uniq -c"),
    "python": Job(inputs=text(), map=python("map.py"), reduce=python("sum.py")),
    "perl": Job(inputs=text(), map=str(IMAGES / "perl" / "map.pl"), reduce=SUM),
    "go": Job(
        inputs=access_log(),
        map=r"""perl -ne 'print "host $1\t1\nstatus $2\t1\n" if /^(\S+) .*?" (\d{3}) /'""",
        reduce=SUM,
    ),
    "rust": Job(
        inputs=text(), map=r"""perl -ne 'print lc($1), "\t1\n" while m{https?://([A-Za-z0-9.-]+)}g'""", reduce=SUM
    ),
    "java": Job(
        inputs=documents(),
        map=r"""perl -ne 'my ($d, $t) = /^(.*?)\t(.*)/s; print "$_\t$d\n" for lc($t) =~ /[a-z0-9_\x80-\xff]+/g'""",
        reduce=r"""perl -ne 'chomp; my ($w, $d) = split /\t/; if ($w ne $k) { print "\n" if defined $k; print "$w\t$d" }
            elsif ($d ne $l) { print ",$d" } ($k, $l) = ($w, $d); END { print "\n" if defined $k }'""",
    ),
    "node": Job(inputs=objects(), map=shlex.join([sys.executable, "-c", COUNTRIES]), reduce=SUM),
}
