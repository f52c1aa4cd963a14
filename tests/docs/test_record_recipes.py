"""Tests that the recipes for records and headers in docs/inputs.md give the right results."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from tests.support.user_shell import in_shell

PAGE = Path(__file__).parents[2] / "docs" / "inputs.md"
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE))
RECIPE = re.compile(r"^```\n(.*?)^```$", re.DOTALL | re.MULTILINE)
RECIPES = [*RECIPE.findall(SECTIONS["Records"]), *RECIPE.findall(SECTIONS["Headers"])]
EXPECTED = {
    "fastq": ["7 1", "7 2", "6 3"],
    "fasta": ["30"],
    "csv": ["40"],
    "warc": ["10 WARC-Type: metadata", "10 WARC-Type: response"],
    "nul": ["2 tsv", "1 txt"],
    "separator": ["25", "3 error"],
    "header repeat": ["a 21", "b 40"],
    "header repeat csv": ["15 A B", "15 C"],
    "header drop": ["20 chr1", "10 chr2"],
}


def write_inputs(folder: Path) -> None:
    reads = [f"@r{n}\n{'A' * (n % 3 + 1)}\n+\n{'@' * (n % 3 + 1)}\n" for n in range(20)]
    (folder / "reads.fastq").write_text("".join(reads))
    (folder / "genome.fa").write_text("".join(f">s{n}\n" + "ACGT\n" * n for n in range(30)))
    (folder / "tickets.csv").write_text("".join(f'{n},"a\nb ""{n}"""\n' for n in range(40)))
    crawl = [
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nContent-Length: {n}\r\n\r\n{'WARC/1.0'[:n]:{n}}\r\n\r\n"
        for kind in ("metadata", "response")
        for n in range(10)
    ]
    (folder / "crawl.warc").write_text("".join(crawl), newline="")
    for name in ("a.tsv", "b\nc.tsv", "d.txt"):
        (folder / name).touch()
    (folder / "drugs.sdf").write_text("".join(f"mol{n}\n  1\n\n$$$$\n" for n in range(25)))
    logs = [f"2026 INFO {n}\n" + (f"java.lang.Error: {n}\n\tat a\n" if n % 4 == 0 else "") for n in range(12)]
    (folder / "sales").mkdir()
    (folder / "sales/1.csv").write_text("shop,amount,day\n" + "a,1,mon\nb,2,tue\n" * 20)
    (folder / "sales/2.csv").write_text("day,amount,shop\nwed,1,a\n")
    (folder / "people.csv").write_text('name,"home town"\n' + 'x,"A B"\n"y\n",C\n' * 15)
    calls = "##fileformat=VCF\n##source=x\n#CHROM\tPOS\n" + "chr1\t1\n" * 20 + "chr2\t2\n" * 10
    (folder / "calls.vcf.gz").write_bytes(gzip.compress(calls.encode()))
    (folder / "app.log").write_text("".join(logs))


def kind_of(recipe: str) -> str:
    """Return the format of records that a recipe names, or the treatment of headers."""
    if header := re.search(r"--(header \w+)", recipe):
        return header[1] + (" csv" if "--records csv" in recipe else "")
    found = re.search(r"--records '?(\w+)", recipe)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("recipe", RECIPES, ids=kind_of)
def test_a_recipe_gives_the_right_result_when_its_input_is_cut(tmp_path: Path, recipe: str) -> None:
    write_inputs(tmp_path)
    script = recipe.replace("kubemr-shell run", "kubemr-shell run -q --split-bytes 64")
    done = in_shell(script, tmp_path, options="-ec")
    assert (done.returncode, done.stderr) == (0, "")
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == EXPECTED[kind_of(recipe)]
