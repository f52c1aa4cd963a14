"""The workloads with S3.

Contenders have two more variables: BUCKET, the URI of a bucket, and S3, the program for single steps
(``alternatives/s3.py``). The bucket has the objects ``text`` (the dataset of the word count) and ``large``, and many
small objects below ``keys/``.
"""

from __future__ import annotations

from benchmarks.contenders import Contender
from benchmarks.datasets import MB
from benchmarks.workloads import Target, Workload

TEXT_BYTES = 300 * MB
"""The bytes of the object ``text``."""
LARGE_BYTES = 1000 * MB
"""The bytes of the object ``large``."""
KEYS = 100_000
"""The number of objects below ``keys/``."""

LOCAL = "local folder to local folder"
"""The name of the contender without S3."""
TO_S3 = "s3:// to s3://, local temporaries"
"""The name of the contender with inputs and results in S3."""
TMP_IN_S3 = "s3:// to s3:// with --tmp s3://"
"""The name of the contender with inputs, results and temporaries in S3."""
READ, READ_BOTO3, READ_AWS = "our reader", "boto3 download_fileobj", "aws s3 cp to stdout"
LIST, LIST_BOTO3 = "our list of inputs", "the bare paginator"

_NONE = ("one-line", 100)
_CLEAR = '$S3 clear "$BUCKET"/out/; $S3 clear "$BUCKET"/tmp/'
_FETCH = 'kubemr-shell results "$BUCKET"/out > "$OUT"/result'


def _count(name: str, where: str) -> Contender:
    shell = f'kubemr-shell run -q -m "$MAP" -r "$REDUCE" -p 2 {where}'
    if name == LOCAL:
        return Contender(name=name, shell=shell, is_ours=True)
    return Contender(name=name, shell=shell, is_ours=True, before=_CLEAR, after=_FETCH)


def _step(name: str, step: str, *, is_ours: bool = False) -> Contender:
    return Contender(name=name, shell=f"$S3 {step}", is_ours=is_ours, has_result=False)


def workloads(scale: int) -> tuple[Workload, ...]:
    """Return the workloads. ``scale`` divides their sizes."""
    keys = KEYS // scale
    return (
        Workload(
            name="word count",
            source=("text", TEXT_BYTES),
            map_command='mawk -f "$ALTERNATIVES"/words.awk',
            reduce_command='mawk -f "$ALTERNATIVES"/sum.awk',
            contenders=(
                _count(TO_S3, '-o "$BUCKET"/out "$BUCKET"/text'),
                _count(TMP_IN_S3, '-o "$BUCKET"/out --tmp "$BUCKET"/tmp "$BUCKET"/text'),
                _count(LOCAL, '-o "$OUT" "$INPUT"'),
            ),
            targets=(
                Target(text="at most 1.4x the local run", at_most=1.4, subject=TO_S3, against=(LOCAL,)),
                Target(text="--tmp s3:// at most 2x the local run", at_most=2, subject=TMP_IN_S3, against=(LOCAL,)),
            ),
            truth='sh -c "$REDUCE" < "$SORTED"/0; sh -c "$REDUCE" < "$SORTED"/1',
            rounds=5,
        ),
        Workload(
            name=f"ranged read of {LARGE_BYTES // scale // MB} MB to /dev/null",
            source=_NONE,
            contenders=(
                _step(READ, 'read-ours "$BUCKET"/large', is_ours=True),
                _step(READ_BOTO3, 'read-boto3 "$BUCKET"/large'),
                Contender(
                    name=READ_AWS,
                    shell='aws s3 cp --quiet "$BUCKET"/large - > /dev/null',
                    needs=("aws",),
                    has_result=False,
                ),
            ),
            targets=(
                Target(
                    text="at least 0.9x as fast as the faster",
                    at_most=1 / 0.9,
                    subject=READ,
                    against=(READ_BOTO3, READ_AWS),
                ),
            ),
            rounds=5,
        ),
        Workload(
            name=f"list of {keys:,} keys",
            source=_NONE,
            contenders=(
                _step(LIST, f'list-ours "$BUCKET"/keys/ {keys}', is_ours=True),
                _step(LIST_BOTO3, f'list-boto3 "$BUCKET"/keys/ {keys}'),
            ),
            targets=(Target(text="under 1.3x the paginator", at_most=1.3, subject=LIST, against=(LIST_BOTO3,)),),
            rounds=3,
        ),
    )
