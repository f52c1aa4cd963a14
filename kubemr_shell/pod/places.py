"""The places where a job of a cluster keeps its bytes: below its own output, under the job's uid."""

from __future__ import annotations

from dataclasses import dataclass

from kubemr_shell.job import names
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.storage.interface import Storage
from kubemr_shell.storage.locate import locate


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The URIs of one job."""

    output: str
    uid: str

    @property
    def temporaries(self) -> str:
        """Return the URI of the folder for temporaries."""
        return f"{self.output}/{names.STATE}/{self.uid}"

    @property
    def stage(self) -> str:
        """Return the URI of the folder for staged parts."""
        return f"{self.temporaries}/stage"

    def storage(self, s3: S3Config) -> Storage:
        """Return the storage of the output and the temporaries."""
        return locate(self.output, s3)

    def remove(self, s3: S3Config) -> None:
        """Remove the temporaries, and the parts that were staged but never published."""
        self.storage(s3).delete_tree(self.temporaries)
