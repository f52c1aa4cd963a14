"""The mappings within the spec of a job: its key, splits, headers, S3 store and environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kubemr_shell.job.containers import ListOf
from kubemr_shell.job.mappings import AtMostOneOf, DataclassShape, Excludes, HasEffectWith, Rule, described
from kubemr_shell.job.records import Records
from kubemr_shell.job.report import Report, below
from kubemr_shell.job.shape import Choice, Flag, Quantity, Schema, Whole
from kubemr_shell.job.texts import LINE_END, GroupPattern, Separator, Text

TEXT = Text()
"""The shape of a text."""
DNS_NAME = (r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "must be lower-case letters, digits, - and .")
"""The pattern of a DNS name, and the message for other texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpec:
    """The part of a line that is its key."""

    separator: bytes = field(
        default=b"\t",
        metadata=described(
            "The separator between the fields of a line: one or more characters, no line end. Use double quotes for "
            'escapes: "\\t".',
            Separator(),
        ),
    )
    fields: int = field(
        default=1,
        metadata=described(
            "The number of fields, from the start of the line, that form the key. A line with fewer separators is all "
            "key. Lines with equal keys reach one reduce task, next to each other.",
            Whole(1, 1_000_000),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSpec:
    """The rules by which inputs are cut and packed into map tasks."""

    max_bytes: int = field(
        default=64 << 20,
        metadata=described(
            "The most bytes, as stored, that one map task reads. A larger file is cut between records.",
            Quantity(),
        ),
    )
    pack: bool | None = field(
        default=None,
        metadata=described(
            "Let small files share a map task, up to maxBytes. false: each file has map tasks of its own.",
            Flag(),
            unset="true, unless a command or a script of the job mentions map_input_file or KUBEMR_INPUT",
        ),
    )
    records: int | None = field(
        default=None,
        metadata=described(
            "The most records that one map task reads, besides the limit of maxBytes. The planner reads all inputs.",
            Whole(1, 1_000_000_000),
            unset="no limit",
        ),
    )
    group: str | None = field(
        default=None,
        metadata=described(
            "A regular expression. Files whose paths or URIs have the same text in its first group are one map task, "
            "in the order of their names. They are not cut. A file that does not match is an error.",
            GroupPattern(),
            unset="none",
        ),
    )
    feed: Literal["stdin", "files"] = field(
        default="stdin",
        metadata=described(
            "The way to the command. stdin: records. files: each file, or each group, is one map task; the files are "
            "put into its folder as they are stored, KUBEMR_INPUT_FILES lists them, and stdin is empty.",
            Choice("stdin", "files"),
        ),
    )
    whole_files: bool = field(
        default=False,
        metadata=described("Give every file a map task of its own, and cut no file.", Flag()),
    )


class FilesHaveNoRecords(Rule):
    """A rule that forbids the fields about records if the command gets files."""

    _NAMES = ("records", "header")

    def check(self, given: Mapping[str, Any], path: str, report: Report) -> None:
        split = given.get("split")
        if isinstance(split, SplitSpec) and split.feed == "files":
            for name in self._NAMES:
                if name in given:
                    report.add(below(path, name), "has no effect with split.feed: files; remove one of them")

    def schema(self) -> Schema:
        files = {"properties": {"feed": {"enum": ["files"]}}, "required": ["feed"]}
        present = [{"required": [name]} for name in self._NAMES]
        return {"not": {"properties": {"split": files}, "required": ["split"], "anyOf": present}}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderSpec:
    """The first lines of each input file that are no records, and their treatment."""

    mode: Literal["keep", "repeat", "drop"] = field(
        default="keep",
        metadata=described(
            "The treatment of the header. keep: there is none, and the first lines are records. repeat: each task gets "
            "the header of a file before its first record of the file. drop: no task gets it.",
            Choice("keep", "repeat", "drop"),
        ),
    )
    lines: int = field(
        default=1,
        metadata=described(
            "The number of lines of the header; with records: csv, of rows.",
            Whole(1, 1_000_000),
        ),
    )
    prefix: str | None = field(
        default=None,
        metadata=described(
            "The header is all leading lines that begin with this text, such as #.",
            Text(refused=LINE_END),
            unset="the header is the first lines",
        ),
    )


class HeaderNeedsLines(Rule):
    """A rule that allows a header only in formats of records that consist of lines, and not with split.records."""

    _KINDS = ("lines", "csv")

    def check(self, given: Mapping[str, Any], path: str, report: Report) -> None:
        header, records, split = given.get("header"), given.get("records"), given.get("split")
        if not isinstance(header, HeaderSpec) or header.mode == "keep":
            return
        if isinstance(split, SplitSpec) and split.records is not None:
            report.add(below(path, "split.records"), "cannot be combined with header; set split.maxBytes instead")
        if isinstance(records, Records) and records.kind not in self._KINDS:
            report.add(
                below(path, "header"),
                f"has no effect with records: {records.kind}, whose files have no header lines; remove it, or set "
                "records: lines or records: csv",
            )

    def schema(self) -> Schema:
        treated = {"type": "object", "properties": {"mode": {"enum": ["repeat", "drop"]}}, "required": ["mode"]}
        of_lines = {"anyOf": [{"enum": list(self._KINDS)}, {"type": "object", "required": ["csv"]}]}
        others = {"records": {"not": of_lines}, "split": {"type": "object", "required": ["records"]}}
        refused = [
            {"properties": {"header": treated, name: other}, "required": ["header", name]}
            for name, other in others.items()
        ]
        return {"not": {"anyOf": refused}}


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Spec:
    """The settings for the S3 store."""

    endpoint: str | None = field(
        default=None,
        metadata=described(
            "The URL of an S3 server.",
            Text(
                "URL", pattern=(r"^https?://[^/\s]", "must be a URL such as https://s3.example.org"), refused=LINE_END
            ),
            unset="Amazon's",
        ),
    )
    region: str | None = field(
        default=None,
        metadata=described("The region of the buckets.", TEXT, unset="from the environment"),
    )
    secret_name: str | None = field(
        default=None,
        metadata=described(
            "In Kubernetes: the Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
            Text(longest=253, pattern=DNS_NAME, refused=LINE_END),
            unset="the permissions of the pods",
        ),
    )
    path_style: Literal["auto", "always", "never"] = field(
        default="auto",
        metadata=described(
            "Put the bucket into the path of the URL, not into the host name. auto: if there is an endpoint.",
            Choice("auto", "always", "never"),
        ),
    )
    ca_bundle: str | None = field(
        default=None,
        metadata=described(
            "A file of certificate authorities, with which the certificate of the endpoint is checked.",
            TEXT,
            unset="the system's",
        ),
    )
    requester_pays: bool = field(
        default=False,
        metadata=described("Agree to pay for requests to buckets whose owner does not pay.", Flag()),
    )
    max_requests_per_second: int | None = field(
        default=None,
        metadata=described(
            "The most requests per second of the whole job. Use it for a server that throttles.",
            Whole(1, 1_000_000),
            unset="no limit",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvVar:
    """An environment variable of the commands."""

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


# The shapes of the mappings in a spec.
KEY = DataclassShape(KeySpec)
SPLIT = DataclassShape(
    SplitSpec,
    rules=(
        Excludes(
            "wholeFiles",
            True,
            ("maxBytes", "pack", "records", "group"),
            "has no effect with wholeFiles: true; remove one of them",
        ),
        Excludes(
            "feed", "files", ("maxBytes", "pack", "records"), "has no effect with feed: files; remove one of them"
        ),
        AtMostOneOf("group", "pack", "has no effect with group; remove one of them"),
        AtMostOneOf("group", "records", "would cut the files of a group; remove records or group"),
    ),
)
HEADER = DataclassShape(
    HeaderSpec,
    rules=(
        HasEffectWith(
            ("lines", "prefix"), "mode", ("repeat", "drop"), "has no effect without mode: repeat or mode: drop; add one"
        ),
        AtMostOneOf("lines", "prefix", "has no effect with lines; remove one of them"),
    ),
)
S3 = DataclassShape(S3Spec)
ENV = ListOf(DataclassShape(EnvVar), "list of `name` and `value`", example='[{name: LEVEL, value: "1"}]', key="name")
