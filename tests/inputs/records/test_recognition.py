"""Tests of the recognition of formats whose records have several lines."""

from __future__ import annotations

import pytest

from kubemr_shell.inputs.records.recognition import HEAD_BYTES, MAY_BE_LINES, recognised, refusal
from kubemr_shell.job.records import RecordsShape, records_of_flag
from kubemr_shell.job.report import Report

FORMATS = {
    "fastq": (b"@r1 a\nACGTN\n+\nIIIII\n", "fastq"),
    "fastq with CRLF": (b"@r1\r\nACGTN\r\n+r1\r\nIIIII\r\n", "fastq"),
    "fastq whose first read is longer than the head": (b"@r1\n" + b"ACGT" * (HEAD_BYTES // 4), "fastq"),
    "fastq whose first read is empty": (b"@r\n\n+\n\n@s\nACGT\n+\nIIII\n", "fastq"),
    "fastq that is wrapped": (b"@r\nACGT\nACGT\n+\nIIII\nIIII\n", "fastq"),
    "fasta with a space behind its mark": (b"> s one\nACGT\nAC\n", "fasta"),
    "fasta behind an empty line": (b"\n>s\nACGT\nAC\n", "fasta"),
    "fasta behind a byte order mark": (b"\xef\xbb\xbf>s\r\nACGT\r\nAC\r\n", "fasta"),
    "fasta whose first sequence is empty": (b">s1\n>s2\nACGT\n", "fasta"),
    "fasta behind a comment": (b";c\n>s\nACGT\nAC\n", "fasta"),
    "fasta": (b">chr1 of a genome\nACGTACGT\nAC\n", "fasta"),
    "fasta of proteins": (b">sp|P1\nMKV*\n", "fasta"),
    "fasta whose first line is longer than the head": (b">chr1\n" + b"ACGT" * (HEAD_BYTES // 4), "fasta"),
    "warc": (b"WARC/1.0\r\nWARC-Type: warcinfo\r\n", "warc"),
    "mailbox": (b"From a@example.org Tue Dec  1 10:00:00 2026\nSubject: b\n\n", "start=^From "),
    "GenBank": (b"LOCUS       AB000001   10 bp\n", r"separator=//\n"),
    "sdf": (b"mol1\n  prog\n\nM  END\n$$$$\nmol2\n", r"separator=$$$$\n"),
    "sdf with CRLF": (b"mol1\r\n\r\n$$$$\r\nmol2\r\n", r"separator=$$$$\r\n"),
    "names that end with NUL": (b"a\nb\0c\0", "nul"),
    "UTF-16 without a byte order mark": ("text\n".encode("utf-16-le"), "nul"),
}
TEXTS = {
    "text": b"word word\nword\n",
    "empty": b"",
    "a mail address": b"@user said\nsomething nice\n+1\n",
    "a quotation in Markdown": b"> he said\nthat all is well\n",
    "an arrow": b">\nACGT\n",
    "a quotation of several lines": b"> one\n> two\nand an answer\n",
    "a comment": b"; a comment\n[section]\n",
    "From in a text": b"From here on\nall is text\n",
    "quotes over several lines in a text": b'he said "a\nb"\n',
    "a log with JSON": b'{"a": "b"}\n{"a": "c"}\n',
    "dollars within a line": b"a $$$$ b\nc\n",
}


@pytest.mark.parametrize("name", FORMATS)
def test_recognises(name: str) -> None:
    head, records = FORMATS[name]
    found = recognised(head[:HEAD_BYTES], "file.txt")
    assert found.records == records


@pytest.mark.parametrize("name", TEXTS)
def test_takes_for_lines(name: str) -> None:
    assert recognised(TEXTS[name], "file.txt") == MAY_BE_LINES


@pytest.mark.parametrize(
    ("head", "is_csv"),
    [
        (b'a,b\n1,"x\ny"\n', True),
        (b'a,b\n1,"x ""y""\r\nz"\n', True),
        (b'a,b\n1,"x\ny', True),
        (b'a,b\n1,"x y"\n', False),
        (b'a,b\n1,"x ""y"""\n', False),
        (b"a,b\n1,x\n", False),
    ],
)
def test_recognises_csv_by_its_name_and_a_line_end_within_quotes(head: bytes, is_csv: bool) -> None:
    assert (recognised(head, "T.CSV") != MAY_BE_LINES) == is_csv
    assert (recognised(head, "t.csv.gz") != MAY_BE_LINES) == is_csv
    assert (recognised(head, "https://host/t.csv?signature=a/b.c") != MAY_BE_LINES) == is_csv
    assert recognised(head, "t.txt") == MAY_BE_LINES


@pytest.mark.parametrize("name", FORMATS)
def test_advises_a_flag_that_is_a_format(name: str) -> None:
    head, records = FORMATS[name]
    found = recognised(head[:HEAD_BYTES], "file.txt")
    assert f"--records '{records}'" in refusal(found, "file.txt")
    report = Report(dict)
    RecordsShape().check(records_of_flag(found.records), "records", report)
    assert not report.problems
