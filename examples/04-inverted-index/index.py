#!/usr/bin/env python3
"""An inverted index: for each word, the files that it occurs in. ``index.py map FILE`` and ``index.py reduce``."""

import os
import re
import sys
from itertools import groupby


def map_words(file: str) -> None:
    name = os.path.basename(file)
    words = set(re.findall(r"[a-z]+", sys.stdin.read().lower()))
    for word in words:
        print(f"{word}\t{name}")


def reduce_words() -> None:
    pairs = (line.rstrip("\n").split("\t") for line in sys.stdin)
    for word, group in groupby(pairs, key=lambda pair: pair[0]):
        print(word, ",".join(name for _, name in group), sep="\t")


if __name__ == "__main__":
    if sys.argv[1] == "map":
        map_words(sys.argv[2])
    else:
        reduce_words()
