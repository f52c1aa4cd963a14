"""A job whose inputs, output and, if wanted, intermediate data are in one bucket; what must be in it at the end."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.scenarios.s3_runs import NAME, S3Place
from tests.support.runs import Done, Run

INPUTS = "in/"
TEMPORARIES = "intermediate/data"


@dataclass(frozen=True, kw_only=True)
class FromS3:
    s3: S3Place
    objects: int = 3
    has_tmp: bool = True
    """Intermediate data goes to S3 too, as in pods."""
    workers: int = 1
    slots: int = 2

    def through(self, endpoint: str) -> FromS3:
        """The same by way of a proxy."""
        return replace(self, s3=replace(self.s3, endpoint=endpoint))

    def start(self, *flags: str) -> Run:
        return self.s3.start(*self.arguments(), *flags)

    def run(self, *flags: str) -> Done:
        return self.s3.run(*self.arguments(), *flags)

    def arguments(self) -> list[str]:
        """The command line; the inputs are made where they are missing."""
        flags = ["--workers", str(self.workers), "--slots", str(self.slots)]
        if self.has_tmp:
            flags += ["--tmp", f"{self.s3.bucket.uri}/{TEMPORARIES}"]
        arguments = self.s3.arguments(*flags)
        words = self.s3.place.folder / self.s3.job.input
        if not self.s3.bucket.keys(INPUTS):
            self._put(words.read_bytes().splitlines(keepends=True))
        return [f"{self.s3.bucket.uri}/{INPUTS}" if argument == words.name else argument for argument in arguments]

    def _put(self, lines: list[bytes]) -> None:
        for number in range(self.objects):
            share = lines[number * len(lines) // self.objects : (number + 1) * len(lines) // self.objects]
            self.s3.bucket.put(f"{INPUTS}{number}", b"".join(share))

    def assert_complete(self) -> None:
        """The result is exact. Beside it the bucket holds the inputs alone, no upload, and no state is here."""
        self.s3.assert_complete()
        others = {key for key in self.s3.bucket.keys("") if not key.startswith((INPUTS, f"{NAME}/"))}
        assert others == set(), "left of the intermediate data"
