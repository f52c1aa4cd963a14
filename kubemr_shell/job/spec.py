"""The spec of a job: every field with its default, its description and its legal values.

The schema, the CRD, the documentation, the validation and ``--help`` are made from this module. A field has the name
that it has in YAML, in snake_case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from kubemr_shell.job.containers import Anything, CommandLine, ListOf, TextMap
from kubemr_shell.job.mappings import DataclassShape, DistinctNames, Excludes, NeedsOneOf, described
from kubemr_shell.job.records import DESCRIPTION, UNSET, Records, RecordsShape
from kubemr_shell.job.shape import Choice, Flag, Whole
from kubemr_shell.job.spec_mappings import (
    ENV,
    HEADER,
    KEY,
    S3,
    SPLIT,
    TEXT,
    EnvVar,
    FilesHaveNoRecords,
    HeaderNeedsLines,
    HeaderSpec,
    KeySpec,
    S3Spec,
    SplitSpec,
)
from kubemr_shell.job.texts import Text

Command: TypeAlias = str | tuple[str, ...]
"""A string is run by ``sh -c``, a tuple is executed as it is."""

# The shapes of fields. ``job.shape`` describes shapes.
TEXTS = ListOf(TEXT, "list of strings", example="[logs/*.gz]")
MOST_SECONDS = (1 << 31) - 1
"""The longest time that a field can give, in seconds: the largest signed number of 32 bits."""
MAX_ATTEMPTS = 4
"""The default number of attempts of a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """The description of a job: its inputs, commands, output and limits."""

    image: str | None = field(
        default=None,
        metadata=described(
            "In Kubernetes: the image of the workers. An image may define the commands.", TEXT, unset="the base image"
        ),
    )
    replicas: int | None = field(
        default=None,
        metadata=described(
            "In Kubernetes: the number of worker pods. Each pod runs slots tasks at the same time. It may be changed "
            "while the job runs.",
            Whole(1, 10_000, "; suspend: true stops a job"),
            unset="1",
        ),
    )
    slots: int | None = field(
        default=None,
        metadata=described(
            "The number of tasks that a worker runs at the same time.", Whole(1, 1024), unset="its CPUs"
        ),
    )
    inputs: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "The inputs: files, folders (with all files below them), globs (** and {a,b} too), http:// and https:// "
            "URLs, and s3:// keys, prefixes (ending in /) and globs. - is stdin. An input that is listed twice is read "
            "twice.",
            TEXTS,
            unset="inputsFrom alone",
        ),
    )
    inputs_from: str | None = field(
        default=None,
        metadata=described(
            "A file or URL that lists more inputs, one in each line. It may be compressed. Use it for lists that are "
            "too long for the YAML. In a run on one machine, - is stdin.",
            TEXT,
        ),
    )
    decompress: Literal["auto", "none"] = field(
        default="auto",
        metadata=described(
            "auto: decompress inputs whose first bytes are those of gzip, bzip2, xz, lzma, zstd or lz4, and read the "
            "files in tar and zip archives. none: read all inputs as they are.",
            Choice("auto", "none"),
        ),
    )
    records: Records | None = field(default=None, metadata=described(DESCRIPTION, RecordsShape(), unset=UNSET))
    header: HeaderSpec = field(
        default=HeaderSpec(),
        metadata=described("The first lines of each file that are no records, and their treatment.", HEADER),
    )
    map_command: Command | None = field(
        default=None,
        metadata=described(
            "The map command. It reads records of the inputs on stdin and writes lines of a key, the separator and a "
            "value. A string is run by sh -c; a list is executed as it is.",
            CommandLine(),
            unset="the command of the image",
        ),
    )
    combine_command: Command | None = field(
        default=None,
        metadata=described(
            "The combine command. It reads sorted lines, as reduceCommand does, and shrinks the output of a map task "
            "before the shuffle. It may run never, once or many times.",
            CommandLine(),
            unset="none",
        ),
    )
    reduce_command: Command | None = field(
        default=None,
        metadata=described(
            "The reduce command. It reads the lines of one partition, ordered by key. Its output is one part.",
            CommandLine(),
            unset="the lines as they are",
        ),
    )
    partitions: int | None = field(
        default=None,
        metadata=described(
            "The number of reduce tasks, which is the number of parts. 0: map only; the output of map is the result.",
            Whole(0, 100_000),
            unset="replicas if set, else the slots",
        ),
    )
    key: KeySpec = field(default=KeySpec(), metadata=described("The part of a line that is its key.", KEY))
    files: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Scripts and data for the folder of each attempt: paths, or http://, https:// or s3:// URIs. #NAME at the "
            "end gives another name. A file beside the YAML whose name begins a command is added, unless a file of "
            "this name is listed.",
            TEXTS,
        ),
    )
    archives: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Archives (tar or zip) that are unpacked into the folder of each attempt: data.tar.gz becomes a folder "
            "data.tar.gz, and data.tar.gz#env a folder env. Paths or URIs, as for files.",
            TEXTS,
        ),
    )
    split: SplitSpec = field(
        default=SplitSpec(), metadata=described("The rules by which inputs are cut and packed into map tasks.", SPLIT)
    )
    max_attempts: int = field(
        default=MAX_ATTEMPTS,
        metadata=described("The number of failed attempts of one task with which the job fails.", Whole(1, 1000)),
    )
    timeout_seconds: int = field(
        default=600,
        metadata=described(
            "The seconds after which a command that neither reads stdin nor writes is stopped, and has failed. Time in "
            "which the command waits for its input, or until its output is taken, does not count. 0: never.",
            Whole(0, MOST_SECONDS),
        ),
    )
    nice: int | None = field(
        default=None,
        metadata=described(
            "The niceness of the commands: with 19 they get the least CPU time. No command starts with a lower "
            "niceness than its worker has. In Kubernetes, niceness counts only among the processes of one container.",
            Whole(0, 19),
            unset="the worker's",
        ),
    )
    ok_exit_codes: tuple[int, ...] = field(
        default=(0,),
        metadata=described(
            "The exit statuses that mean success. For grep, which exits with 1 if nothing matches, use [0, 1].",
            ListOf(Whole(0, 255), "list of whole numbers from 0 to 255", example="[0, 1]"),
        ),
    )
    output: str | None = field(
        default=None,
        metadata=described(
            "The folder or s3:// prefix of the parts.",
            Text(refused=(r"^https?://", "must be a folder or an s3:// prefix")),
            unset="stdout; in Kubernetes a folder with the job's name below the operator's root",
        ),
    )
    compress_output: Literal["none", "gzip", "zstd"] = field(
        default="none",
        metadata=described("The compression of the parts.", Choice("none", "gzip", "zstd")),
    )
    env: tuple[EnvVar, ...] = field(
        default=(),
        metadata=described("Environment variables of the commands, besides those of the protocol.", ENV),
    )
    jobargs: Mapping[str, str] = field(
        default_factory=dict,
        metadata=described("Arguments of the job, for an image that brings its own commands.", TextMap()),
    )
    keep_tmp: bool = field(
        default=False,
        metadata=described(
            "Keep the intermediate data after the end of the job. A retry or a resumed run can then run the reduce "
            "tasks alone, with another reduceCommand or compressOutput.",
            Flag(),
        ),
    )
    template: Mapping[str, Any] = field(
        default_factory=dict,
        metadata=described(
            "In Kubernetes: a pod template that is merged over the template of the workers.", Anything("pod template")
        ),
    )
    s3: S3Spec = field(default=S3Spec(), metadata=described("The settings for the S3 store.", S3))
    ttl_seconds_after_finished: int | None = field(
        default=None,
        metadata=described(
            "In Kubernetes: the seconds after which a job that has ended is deleted.",
            Whole(0, MOST_SECONDS),
            unset="never",
        ),
    )
    active_deadline_seconds: int | None = field(
        default=None,
        metadata=described(
            "The seconds after which an unfinished job fails. In Kubernetes they are counted while workers may run: "
            "not while the job is suspended or queued. After a suspension they begin anew.",
            Whole(1, MOST_SECONDS),
            unset="never",
        ),
    )
    cancel: bool = field(
        default=False,
        metadata=described("Set it to true to cancel the job. A raised retry waits until it is false again.", Flag()),
    )
    retry: int = field(
        default=0,
        metadata=described(
            "Raise it to continue a job that has ended. Only missing tasks run. After a change of reduceCommand or "
            "compressOutput, the reduce tasks run again (in a COMPLETE job only if keepTmp has kept its map outputs).",
            Whole(0, MOST_SECONDS),
        ),
    )
    suspend: bool = field(
        default=False,
        metadata=described(
            "In Kubernetes: true holds the job back, without workers, until the field is false.", Flag()
        ),
    )


MAP_ONLY = "has no effect with partitions: 0 (map only); remove one of them"
"""The message for a command that a map-only job cannot run."""

SPEC = DataclassShape(
    JobSpec,
    rules=(
        Excludes("partitions", 0, ("combineCommand", "reduceCommand"), MAP_ONLY),
        NeedsOneOf(("inputs", "inputsFrom"), "is missing: list the files, folders, globs or URLs to read"),
        DistinctNames("files", "archives"),
        FilesHaveNoRecords(),
        HeaderNeedsLines(),
    ),
)
"""The shape of the whole spec."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The document of a job: its spec, and the metadata as Kubernetes defines it."""

    spec: JobSpec
    name: str | None = None
    generate_name: str | None = None
    """The beginning of the name, if Kubernetes or ``submit`` chooses the end."""
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


def description(name: str) -> str:
    """Return the description of a field of the spec. ``name`` is a name of the YAML, such as ``split.maxBytes``."""
    mapping: DataclassShape = SPEC
    *outer, last = name.split(".")
    for step in outer:
        mapping = mapping.shapes[step]  # type: ignore[assignment]
    text: str = mapping.fields[last].metadata["description"]
    return text
