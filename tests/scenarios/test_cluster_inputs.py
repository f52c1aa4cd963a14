"""Inputs of other formats than plain lines, read from S3 by pods."""

from __future__ import annotations

import gzip

import pytest

from tests.support.archives import tar_gz_of
from tests.support.pods import Site

pytestmark = pytest.mark.cluster

READS = b"".join(b"@r%d\n%s\n+\n%s\n" % (n, b"ACGT" * (n % 5 + 1), b"@+>I" * (n % 5 + 1)) for n in range(4000))
ROWS = b"".join(b'%d,"text\n""%d"""\n' % (n, n) for n in range(4000))
LINES = [b"line %d\n" % number for number in range(3000)]


def test_pods_read_records_compression_and_archives(site: Site) -> None:
    site.bucket.put("reads", READS)
    site.bucket.put("rows", ROWS)
    site.bucket.put("lines/whole.txt", gzip.compress(LINES[0]) + gzip.compress(b"".join(LINES[1:1000])))
    site.bucket.put(
        "lines/archive", tar_gz_of([("folder/0", b"".join(LINES[1000:2000])), ("folder/1", b"".join(LINES[2000:]))])
    )
    jobs = {
        "fastq": ("reads", "fastq", "awk 'NR % 4 == 2 { print length($0) }'", "uniq -c | awk '{ print $2, $1 }'"),
        "csv": ("rows", "csv", "grep -c '^[0-9]'", "awk '{ n += $1 } END { print (NR > 1), n }'"),
        "packed": ("lines/", "lines", "cut -d ' ' -f 1", "uniq -c | awk '{ print $2, $1 }'"),
    }
    for name, (key, records, maps, reduces) in jobs.items():
        site.submit(
            name,
            inputs=[f"{site.bucket.uri}/{key}"],
            records=records,
            mapCommand=maps,
            reduceCommand=reduces,
            split={"maxBytes": "32Ki"},
            partitions=1,
        )
    for name in jobs:
        site.until_state(name, "COMPLETE")
    assert site.result("fastq") == b"12 800\n16 800\n20 800\n4 800\n8 800\n"
    assert site.result("csv") == b"1 4000\n"
    assert site.result("packed") == b"line 3000\n"
