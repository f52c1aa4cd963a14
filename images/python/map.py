#!/usr/bin/env python3
"""The words of a text in small letters, each with how often this task has seen it."""

import re
import sys
from collections import Counter

WORD = re.compile(rb"[a-z0-9_\x80-\xff]+")  # letters of UTF-8 beyond ASCII are bytes from 0x80 on

words: Counter[bytes] = Counter()
for line in sys.stdin.buffer:
    words.update(WORD.findall(line.lower()))
for word, count in words.items():
    sys.stdout.buffer.write(b"%s\t%d\n" % (word, count))
