#!/usr/bin/env python3
"""The sum of each key's numbers: to combine and to reduce."""

import sys
from itertools import groupby

pairs = (line.rstrip(b"\n").rpartition(b"\t") for line in sys.stdin.buffer)
for key, group in groupby(pairs, key=lambda pair: pair[0]):
    sys.stdout.buffer.write(b"%s\t%d\n" % (key, sum(int(number) for _, _, number in group)))
