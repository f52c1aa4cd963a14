"""Runs whose output is in a bucket: how they are started, and what must be there at their end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.scenarios.jobs import WordCount
from tests.support.runs import Done, Place, Run
from tests.support.s3_server import Bucket

NAME = "jobs/out"


@dataclass(frozen=True, kw_only=True)
class S3Place:
    """A place and a bucket. The endpoint is the server's own, or that of a proxy in front of it."""

    place: Place
    bucket: Bucket
    endpoint: str = ""
    job: WordCount = field(default_factory=WordCount)

    @property
    def output(self) -> str:
        return f"{self.bucket.uri}/{NAME}"

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self.endpoint or self.bucket.server.endpoint}

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None, under: tuple[str, ...] = ()) -> Run:
        return self.place.start(*arguments, environment={**self.environment, **(environment or {})}, under=under)

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Done:
        return self.start(*arguments, environment=environment).wait()

    def count(self, *flags: str, environment: Mapping[str, str] | None = None) -> Done:
        """Run the job to its end."""
        return self.run(*self.arguments(*flags), environment=environment)

    def arguments(self, *flags: str) -> list[str]:
        arguments = self.job.arguments(self.place)
        arguments[arguments.index("out")] = self.output
        return [*arguments, *flags]

    def parts(self) -> dict[str, bytes]:
        names = [key.removeprefix(f"{NAME}/") for key in self.bucket.keys(f"{NAME}/part-")]
        return {name: self.bucket.get(f"{NAME}/{name}") for name in names}

    def success(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads(self.bucket.get(f"{NAME}/_SUCCESS"))
        return manifest

    def assert_complete(self) -> None:
        """The result is right; the bucket holds it and nothing else, this machine nothing at all."""
        parts = self.job.parts()
        assert self.parts() == parts
        assert {part["name"]: part["bytes"] for part in self.success()["parts"]} == {
            name: len(data) for name, data in parts.items()
        }
        self.assert_left(*parts, "_SUCCESS")

    def assert_left(self, *names: str) -> None:
        """Below the output are these objects, no upload, and no state is on this machine."""
        assert sorted(self.bucket.keys(f"{NAME}/")) == sorted(f"{NAME}/{name}" for name in names)
        assert self.bucket.uploads() == []
        assert not self.place.state.exists() or list(self.place.state.iterdir()) == []
