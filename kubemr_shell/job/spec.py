"""The spec of a job: every field with its default, its description and what it may hold, in this one place.

The schema, the documents, the validation and ``--help`` are made from it. Names are those of YAML in snake_case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from kubemr_shell.job.containers import Anything, CommandLine, ListOf, TextMap
from kubemr_shell.job.records import DistinctNames, Excludes, NeedsOneOf, Record, described
from kubemr_shell.job.shape import Choice, Flag, Quantity, Whole
from kubemr_shell.job.texts import LINE_END, Separator, Text

Command: TypeAlias = str | tuple[str, ...]
"""A string is run by ``sh -c``, a tuple is executed as it is."""

TEXT = Text()
TEXTS = ListOf(TEXT, "list of strings", example="[logs/*.gz]")
MOST_SECONDS = (1 << 31) - 1
MAX_ATTEMPTS = 4
"""Of a task, where nobody says otherwise."""
DNS_NAME = (r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "must be lower-case letters, digits, - and .")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpec:
    """Which part of a line is its key."""

    separator: bytes = field(
        default=b"\t",
        metadata=described(
            "What stands between the fields of a line: one character or more, no line end. Use double quotes for "
            'escapes: "\\t".',
            Separator(),
        ),
    )
    fields: int = field(
        default=1,
        metadata=described(
            "How many fields, counted from the start of the line, are the key. A line with fewer separators is all "
            "key. Lines with equal keys meet in one reduce task, next to each other.",
            Whole(1, 1_000_000),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSpec:
    """How inputs are cut and packed into map tasks."""

    max_bytes: int = field(
        default=64 << 20,
        metadata=described(
            "The most bytes that one map task reads. Larger files are cut at line ends, unless they are compressed.",
            Quantity(),
        ),
    )
    pack: bool = field(
        default=True,
        metadata=described("Whether small files share a map task, up to maxBytes.", Flag()),
    )
    whole_files: bool = field(
        default=False,
        metadata=described("Give every file a map task of its own, and cut none.", Flag()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Spec:
    """How to reach the object store."""

    endpoint: str | None = field(
        default=None,
        metadata=described(
            "The URL of a server that speaks S3.",
            Text(
                "URL", pattern=(r"^https?://[^/\s]", "must be a URL such as https://s3.example.org"), refused=LINE_END
            ),
            unset="Amazon's",
        ),
    )
    region: str | None = field(
        default=None,
        metadata=described("The region of the buckets.", TEXT, unset="what the environment says"),
    )
    secret_name: str | None = field(
        default=None,
        metadata=described(
            "In Kubernetes: the Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
            Text(longest=253, pattern=DNS_NAME, refused=LINE_END),
            unset="the rights of the pods",
        ),
    )
    path_style: Literal["auto", "always", "never"] = field(
        default="auto",
        metadata=described(
            "Whether the bucket is named in the path of the URL, not in the host name. auto: with an endpoint.",
            Choice("auto", "always", "never"),
        ),
    )
    ca_bundle: str | None = field(
        default=None,
        metadata=described(
            "A file of certificate authorities that the endpoint's certificate is checked with.",
            TEXT,
            unset="the system's",
        ),
    )
    requester_pays: bool = field(
        default=False,
        metadata=described("Agree to pay for reading from buckets whose owner does not.", Flag()),
    )
    max_requests_per_second: int | None = field(
        default=None,
        metadata=described(
            "The most requests a second that the whole job makes, for a server that throttles.",
            Whole(1, 1_000_000),
            unset="no limit",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvVar:
    """A variable that commands are given."""

    name: str = field(
        metadata=described(
            "The name of the variable.",
            Text(
                pattern=(r"^[-._a-zA-Z][-._a-zA-Z0-9]*$", "must be letters, digits, _, - and ., no digit first"),
                refused=LINE_END,
            ),
        )
    )
    value: str = field(default="", metadata=described("Its value.", Text(empty=True)))


KEY = Record(KeySpec)
SPLIT = Record(
    SplitSpec,
    rules=(
        Excludes("wholeFiles", True, ("maxBytes", "pack"), "has no effect with wholeFiles: true; remove one of them"),
    ),
)
S3 = Record(S3Spec)
ENV = ListOf(Record(EnvVar), "list of `name` and `value`", example='[{name: LEVEL, value: "1"}]', key="name")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What a job is to do."""

    image: str | None = field(
        default=None,
        metadata=described(
            "In Kubernetes: the image of the workers. It may bring its own commands.", TEXT, unset="the base image"
        ),
    )
    replicas: int | None = field(
        default=None,
        metadata=described(
            "In Kubernetes: how many worker pods. Each runs slots tasks at once.",
            Whole(1, 10_000, "; suspend: true stops a job"),
            unset="1",
        ),
    )
    slots: int | None = field(
        default=None,
        metadata=described("How many tasks a worker runs at once.", Whole(1, 1024), unset="its CPUs"),
    )
    inputs: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "What is read: files, folders (with all below them), globs (** too), http:// and https:// URLs, and s3:// "
            "keys, prefixes (ending in /) and globs; - is stdin. What is listed twice is read twice.",
            TEXTS,
            unset="inputsFrom alone",
        ),
    )
    inputs_from: str | None = field(
        default=None,
        metadata=described("A file or URL with one more input a line, for lists too long for the YAML.", TEXT),
    )
    decompress: Literal["auto", "none"] = field(
        default="auto",
        metadata=described(
            "auto: inputs that end in .gz, .bz2, .xz or .zst are decompressed. none: all are read as they are.",
            Choice("auto", "none"),
        ),
    )
    map_command: Command | None = field(
        default=None,
        metadata=described(
            "Reads lines of the inputs on stdin, writes lines of a key, the separator and a value. A string is run by "
            "sh -c, a list is executed as it is.",
            CommandLine(),
            unset="what the image says",
        ),
    )
    combine_command: Command | None = field(
        default=None,
        metadata=described(
            "Shrinks what map wrote before it is sent on: reads sorted lines as reduceCommand does, and may be run "
            "never, once or many times.",
            CommandLine(),
            unset="none",
        ),
    )
    reduce_command: Command | None = field(
        default=None,
        metadata=described(
            "Reads the lines of one partition, ordered by key; what it writes is a part of the output.",
            CommandLine(),
            unset="the lines as they are",
        ),
    )
    partitions: int | None = field(
        default=None,
        metadata=described(
            "How many reduce tasks, and parts of the output, there are. 0: map only, what map writes is the output.",
            Whole(0, 100_000),
            unset="replicas if it is given, else the slots",
        ),
    )
    key: KeySpec = field(default=KeySpec(), metadata=described("Which part of a line is its key.", KEY))
    files: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Scripts and data that are put into the folder of each attempt: paths, or http://, https:// or s3:// URIs "
            "that each worker fetches once. A script beside the YAML that a command begins with is added by itself.",
            TEXTS,
        ),
    )
    archives: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Archives (tar or zip) that are unpacked for the attempts: data.tar.gz is a folder data.tar.gz there. "
            "Paths or URIs, as for files.",
            TEXTS,
        ),
    )
    split: SplitSpec = field(
        default=SplitSpec(), metadata=described("How inputs are cut and packed into map tasks.", SPLIT)
    )
    max_attempts: int = field(
        default=MAX_ATTEMPTS,
        metadata=described("How often a task may fail before the job does.", Whole(1, 1000)),
    )
    timeout_seconds: int = field(
        default=600,
        metadata=described(
            "An attempt that neither reads nor writes for so long is ended, and counts as failed. 0: never.",
            Whole(0, MOST_SECONDS),
        ),
    )
    ok_exit_codes: tuple[int, ...] = field(
        default=(0,),
        metadata=described(
            "The exit statuses that mean success. grep, for one, exits with 1 when nothing matches: [0, 1].",
            ListOf(Whole(0, 255), "list of whole numbers from 0 to 255", example="[0, 1]"),
        ),
    )
    output: str | None = field(
        default=None,
        metadata=described(
            "The folder, or s3:// prefix, in which the parts appear.",
            Text(refused=(r"^https?://", "must be a folder or an s3:// prefix")),
            unset="stdout; in Kubernetes a folder of the job's name under the operator's root",
        ),
    )
    compress_output: Literal["none", "gzip", "zstd"] = field(
        default="none",
        metadata=described("How parts are compressed.", Choice("none", "gzip", "zstd")),
    )
    env: tuple[EnvVar, ...] = field(
        default=(),
        metadata=described("Variables that commands are given, beside those that the protocol sets.", ENV),
    )
    jobargs: Mapping[str, str] = field(
        default_factory=dict,
        metadata=described("Arguments of the job, for an image that brings its own commands.", TextMap()),
    )
    keep_tmp: bool = field(
        default=False,
        metadata=described(
            "Keep the intermediate data when the job is done: a run that is resumed, or a "
            "retry, can then do just the reduces again, under another reduceCommand or compressOutput.",
            Flag(),
        ),
    )
    template: Mapping[str, Any] = field(
        default_factory=dict,
        metadata=described(
            "In Kubernetes: a pod template that is merged over the one of the workers.", Anything("pod template")
        ),
    )
    s3: S3Spec = field(default=S3Spec(), metadata=described("How to reach the object store.", S3))
    ttl_seconds_after_finished: int | None = field(
        default=None,
        metadata=described(
            "In Kubernetes: a job that has ended is deleted after so long.", Whole(0, MOST_SECONDS), unset="never"
        ),
    )
    active_deadline_seconds: int | None = field(
        default=None,
        metadata=described("A job that is not done after so long fails.", Whole(1, MOST_SECONDS), unset="never"),
    )
    cancel: bool = field(
        default=False,
        metadata=described("Set it to true to cancel the job.", Flag()),
    )
    retry: int = field(
        default=0,
        metadata=described(
            "Raise it to have a job that has ended go on: only what is missing runs, after another reduceCommand or "
            "compressOutput the reduces alone (of a COMPLETE job if keepTmp has kept its maps).",
            Whole(0, MOST_SECONDS),
        ),
    )
    suspend: bool = field(
        default=False,
        metadata=described("In Kubernetes: true holds the job back, without workers, until it is false.", Flag()),
    )


MAP_ONLY = "has no effect with partitions: 0 (map only); remove one of them"

SPEC = Record(
    JobSpec,
    rules=(
        Excludes("partitions", 0, ("combineCommand", "reduceCommand"), MAP_ONLY),
        NeedsOneOf(("inputs", "inputsFrom"), "is missing: list the files, folders, globs or URLs to read"),
        DistinctNames("files", "archives"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as its document describes it: the spec, and what Kubernetes calls metadata."""

    spec: JobSpec
    name: str | None = None
    generate_name: str | None = None
    """What the name begins with when Kubernetes, or we, choose the rest."""
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


def description(name: str) -> str:
    """What users read about a field of the spec; the name as in YAML, ``split.maxBytes`` too."""
    record: Record = SPEC
    *outer, last = name.split(".")
    for step in outer:
        record = record.shapes[step]  # type: ignore[assignment]
    text: str = record.fields[last].metadata["description"]
    return text
