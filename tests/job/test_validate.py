"""Tests of the messages about wrong documents: every problem, its path, and the right value."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.errors import InvalidSpec
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.spec_mappings import EnvVar, KeySpec, SplitSpec
from kubemr_shell.job.validate import load_job, spec_from_mapping, spec_to_mapping
from tests.support.job_documents import FIRST_KUBEMR, document, from_yaml, unhurried, valid_specs


def problems(candidate: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSpec) as refused:
        load_job(candidate, "job.yaml")
    return [(problem.path, problem.message) for problem in refused.value.problems]


WRONG = [
    # path, the YAML of the spec, what the message says
    ("spec.mapComand", "mapComand: cat", "there is no such field; did you mean mapCommand?"),
    ("spec.map_command", "map_command: cat", "did you mean mapCommand?"),
    ("spec.keeptmp", "keeptmp: true", "did you mean keepTmp?"),
    ("spec.separator", "separator: ','", "did you mean spec.key.separator?"),
    ("spec.generateName", "generateName: x-", "did you mean metadata.generateName?"),
    ("spec.key.seperator", "key: {seperator: ','}", "did you mean separator?"),
    ("spec.key.zzz", "key: {zzz: 1}", "there is no such field; there are separator, fields"),
    ("spec.true", "on: 1", "the name of a field must be a string, but YAML reads what stands here as true"),
    ("spec.'a b\\n'", '"a b\\n": 1', "there is no such field"),
    ("spec.mapCommand", "mapCommand: true", "YAML reads what stands here as true: put it in quotes"),
    ("spec.mapCommand", "mapCommand: yes", "YAML reads what stands here as true: put it in quotes"),
    ("spec.mapCommand", "mapCommand: 5", "YAML reads what stands here as the number 5: put it in quotes"),
    ("spec.mapCommand", "mapCommand: {tr a: b}", 'not a mapping; a text with ": " in it needs quotes'),
    ("spec.mapCommand", "mapCommand:", "nothing stands here: give a value, or remove the line"),
    ("spec.mapCommand", "mapCommand: ''", "is empty: give a value, or remove the line"),
    ("spec.mapCommand", "mapCommand: '  '", "must be a command: write one, or remove the line"),
    ("spec.mapCommand", "mapCommand: []", "is empty: list a program and its arguments"),
    ("spec.mapCommand[0]", "mapCommand: ['', a]", "is empty: give a value"),
    ("spec.mapCommand[2]", "mapCommand: [head, -n, 5]", "the number 5: put it in quotes"),
    ("spec.mapCommand", 'mapCommand: "a\\0b"', "holds a NUL character"),
    ("spec.mapCommand[1]", 'mapCommand: [a, "b\\0"]', "holds a NUL character"),
    ("spec.inputs", "inputs: []", "is empty: list at least one"),
    ("spec.inputs", "inputs: logs/a.gz", "must be a list, such as [logs/*.gz], not the string 'logs/a.gz'"),
    ("spec.inputs[1]", "inputs: [a, 2026]", "YAML reads what stands here as the number 2026: put it in quotes"),
    ("spec.inputs[0]", "inputs: [2026-01-02]", "YAML reads what stands here as 2026-01-02: put it in quotes"),
    ("spec.inputs[0]", "inputs: [[a]]", "must be a string, not a list"),
    ("spec.inputs[0]", "inputs: [!!binary YQ==]", "must be a string, not binary data"),
    ("spec.replicas", "replicas: 0", "must be a whole number from 1 to 10000, not 0; suspend: true stops a job"),
    ("spec.slots", "slots: '2'", "must be a whole number from 1 to 1024, not the string '2': remove the quotes"),
    ("spec.slots", "slots: two", "must be a whole number from 1 to 1024, not the string 'two'"),
    ("spec.slots", "slots: true", "must be a whole number from 1 to 1024, not true"),
    ("spec.slots", "slots: 1.5", "must be a whole number from 1 to 1024, not 1.5"),
    ("spec.slots", "slots: .inf", "must be a whole number from 1 to 1024, not inf"),
    ("spec.slots", "slots: [1]", "must be a whole number from 1 to 1024, not a list"),
    ("spec.partitions", "partitions: -1", "must be a whole number from 0 to 100000, not -1"),
    ("spec.partitions", f"partitions: 0x{'f' * 9000}", "not a number of very many digits"),
    ("spec.key", "key: ','", "must be a mapping with separator, fields; not the string ','"),
    ("spec.key.separator", "key: {separator: ''}", "is empty: write at least one character"),
    (
        "spec.key.separator",
        "key: {separator: '\\t'}",
        'is a backslash and a t; for a tab write "\\t", in double quotes',
    ),
    ("spec.key.separator", 'key: {separator: "\\n"}', "must not hold a line end"),
    ("spec.key.separator", "key: {separator: 1}", "must be a string, but YAML reads what stands here as the number 1"),
    ("spec.key.fields", "key: {fields: 0}", "must be a whole number from 1 to 1000000, not 0"),
    ("spec.split.maxBytes", "split: {maxBytes: 64MB}", "such as 64Mi, 1Gi or 500M, not '64MB': write 64M"),
    ("spec.split.maxBytes", "split: {maxBytes: 0}", "must be at least 1 byte"),
    ("spec.split.maxBytes", "split: {maxBytes: 0Mi}", "must be at least 1 byte"),
    ("spec.split.maxBytes", "split: {maxBytes: 9Ei}", "must be less than 8Ei"),
    ("spec.split.maxBytes", "split: {maxBytes: true}", "must be a number of bytes such as 64Mi"),
    ("spec.split.maxBytes", "split: {maxBytes: 1Mi, wholeFiles: true}", "has no effect with wholeFiles: true"),
    ("spec.split.records", "split: {records: 1, wholeFiles: true}", "has no effect with wholeFiles: true"),
    ("spec.split.records", "split: {records: 0}", "must be a whole number from 1 to 1000000000, not 0"),
    ("spec.split.group", "split: {group: '_R[12]'}", "has no group, not '_R[12]': put the part of the name"),
    ("spec.split.group", "split: {group: '('}", "is no regular expression of Python (missing ), unterminated"),
    ("spec.split.group", "split: {group: (a), wholeFiles: true}", "has no effect with wholeFiles: true"),
    ("spec.split.pack", "split: {group: (a), pack: true}", "has no effect with group; remove one of them"),
    ("spec.split.records", "split: {group: (a), records: 1}", "would cut the files of a group"),
    ("spec.split.records", "split: {feed: files, records: 1}", "has no effect with feed: files"),
    ("spec.records", "split: {feed: files}\nrecords: csv", "has no effect with split.feed: files"),
    ("spec.split.pack", "split: {pack: true, wholeFiles: true}", "has no effect with wholeFiles: true"),
    ("spec.split.pack", "split: {pack: 'true'}", "must be true or false, without quotes, not the string 'true'"),
    ("spec.keepTmp", "keepTmp: 1", "must be true or false, without quotes, not 1"),
    ("spec.decompress", "decompress: off", "must be auto or none, but YAML reads what stands here as false"),
    ("spec.compressOutput", "compressOutput: gzp", "must be none, gzip or zstd, not 'gzp'; did you mean gzip?"),
    ("spec.compressOutput", "compressOutput: xz", "must be none, gzip or zstd, not 'xz'"),
    ("spec.okExitCodes", "okExitCodes: 1", "must be a list, such as [0, 1], not 1"),
    ("spec.okExitCodes[1]", "okExitCodes: [0, 256]", "must be a whole number from 0 to 255, not 256"),
    ("spec.output", "output: https://example.org/x", "must be a folder or an s3:// prefix"),
    ("spec.env", "env: {A: b}", 'must be a list, such as [{name: LEVEL, value: "1"}], not a mapping'),
    (
        "spec.env[0].value",
        "env: [{name: A, value: 1}]",
        "YAML reads what stands here as the number 1: put it in quotes",
    ),
    ("spec.env[0].name", "env: [{value: a}]", "is missing: add name"),
    (
        "spec.env[0].name",
        "env: [{name: 1A, value: a}]",
        "must be letters, digits, _, - and ., no digit first, not '1A'",
    ),
    ("spec.env[0].name", 'env: [{name: "A\\n"}]', "must stand on one line"),
    ("spec.env[2].name", "env: [{name: A}, {name: B}, {name: A}]", "'A' stands in spec.env[0] already: remove one"),
    ("spec.env[0].valueFrom", "env: [{name: A, valueFrom: {}}]", "there is no such field"),
    ("spec.jobargs.a", "jobargs: {a: 1}", "YAML reads what stands here as the number 1: put it in quotes"),
    ("spec.jobargs.1", "jobargs: {1: a}", "YAML reads what stands here as the number 1: put it in quotes"),
    ("spec.jobargs", "jobargs: [a]", "must be a mapping of names to strings, not a list"),
    ("spec.jobargs.''", "jobargs: {'': a}", "is empty"),
    ("spec.template", "template: a", "must be a mapping, not the string 'a'"),
    ("spec.template.a[0]", "template: {a: [.nan]}", "must be a string or a number that JSON can hold"),
    ("spec.template.a.1", "template: {a: {1: b}}", "the name of a field must be a string"),
    ("spec.template", "template: &a {b: *a}", "holds more than 10000 values or more than 64 levels"),
    ("spec.s3.endpoint", "s3: {endpoint: localhost:9000}", "must be a URL such as https://s3.example.org"),
    ("spec.s3.secretName", "s3: {secretName: My_Secret}", "must be lower-case letters, digits, - and ."),
    ("spec.combineCommand", "combineCommand: cat\npartitions: 0", "has no effect with partitions: 0 (map only)"),
    ("spec.reduceCommand", "reduceCommand: cat\npartitions: 0", "has no effect with partitions: 0 (map only)"),
    ("spec.files[1]", "files: [a/map.py, b/map.py]", "has the name 'map.py' in the attempt's folder, as spec.files[0]"),
    (
        "spec.archives[0]",
        "files: [a/x]\narchives: [s3://b/x]",
        "has the name 'x' in the attempt's folder, as spec.files[0]",
    ),
    ("spec.files", "files: map.py", "must be a list"),
    ("spec.activeDeadlineSeconds", "activeDeadlineSeconds: 0", "must be a whole number from 1 to 2147483647, not 0"),
    ("spec.timeoutSeconds", "timeoutSeconds: 10m", "must be a whole number from 0 to 2147483647, not the string '10m'"),
    ("spec.nice", "nice: 20", "must be a whole number from 0 to 19, not 20"),
    ("spec.nice", "nice: -1", "must be a whole number from 0 to 19, not -1"),
]


@pytest.mark.parametrize(("path", "text", "message"), WRONG)
def test_what_is_wrong_is_said_with_its_path_and_what_would_be_right(path: str, text: str, message: str) -> None:
    found = problems(document() | {"spec": {"inputs": ["a"], **from_yaml(text)}})
    assert len(found) == 1
    assert found[0][0] == path
    assert message in found[0][1]


def test_no_message_is_long_or_broken_into_lines_whatever_stands_in_the_document() -> None:
    long = "x\n" * 100_000
    for spec in (
        {long: 1},
        {"decompress": long},
        {"env": [{"name": long}]},
        {"split": {"maxBytes": long}},
        {"slots": long},
    ):
        for path, message in problems(document(**spec)):
            assert len(path) + len(message) < 1000
            assert "\n" not in path + message


def test_a_document_that_would_be_endless_when_written_out_is_refused_at_once() -> None:
    bomb: Any = "lol"
    for _ in range(60):
        bomb = {"a": bomb, "b": bomb}
    assert problems(document(template=bomb)) == [
        ("spec.template", "holds more than 10000 values or more than 64 levels")
    ]


def test_half_of_a_surrogate_pair_is_refused_but_the_bytes_of_a_file_name_are_not() -> None:
    assert problems(document(inputs=["a\ud800"])) == [
        ("spec.inputs[0]", "holds half of a surrogate pair, which is no character")
    ]
    assert problems(document(key={"separator": "\ud800"}))[0][0] == "spec.key.separator"
    job = load_job(document(inputs=["caf\udce9"], key={"separator": "\udce9"}), "job.yaml")
    assert job.spec.inputs == ("caf\udce9",)
    assert job.spec.key.separator == b"\xe9"


def test_a_date_is_a_string_that_needs_quotes() -> None:
    assert "put it in quotes" in problems(document(image=dt.date(2026, 1, 2)))[0][1]


def test_all_problems_of_a_document_are_said_together() -> None:
    candidate = from_yaml("""
        apiVersion: batch/v1
        kind: Job
        metadata: {name: Big_Job, owner: me, labels: {a: 1}}
        mapCommand: cat
        spec:
          inputs: []
          mapComand: cat
          combineCommand: cat
          partitions: 0
          replicas: many
          split: {maxBytes: 64MB, pack: true, wholeFiles: true}
          env: [{name: A, value: 1}, {name: A}]
        """)
    assert [path for path, _ in problems(candidate)] == [
        "apiVersion",
        "kind",
        "metadata.name",
        "metadata.owner",
        "metadata.labels.a",
        "mapCommand",
        "spec.inputs",
        "spec.mapComand",
        "spec.replicas",
        "spec.split.maxBytes",
        "spec.split.maxBytes",
        "spec.split.pack",
        "spec.env[1].name",
        "spec.env[0].value",
        "spec.combineCommand",
    ]


def test_the_error_is_the_list_of_problems_under_the_name_of_the_file() -> None:
    with pytest.raises(InvalidSpec) as refused:
        load_job(document(slots=0, retry=-1), "words.yaml")
    assert str(refused.value).splitlines() == [
        "words.yaml: 2 problems",
        "  spec.slots: must be a whole number from 1 to 1024, not 0",
        "  spec.retry: must be a whole number from 0 to 2147483647, not -1",
    ]
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("candidate", [None, "job", 1, [document()]])
def test_what_is_no_mapping_is_no_job(candidate: object) -> None:
    ((path, message),) = problems(candidate)
    assert path == ""
    assert message.startswith("must be a mapping with apiVersion, kind, metadata, spec; ")


def test_what_is_missing_in_the_document_is_said_with_what_to_write() -> None:
    assert problems({}) == [
        ("apiVersion", "is missing: write apiVersion: turbobytes.com/v1alpha1"),
        ("kind", "is missing: write kind: MapReduceJob"),
        ("metadata", "is missing: write the job's name, or generateName, in it"),
        ("spec", "is missing: write at least inputs in it"),
    ]


def test_a_job_needs_a_name_or_the_beginning_of_one() -> None:
    assert problems(document() | {"metadata": {}}) == [
        ("metadata.name", "is missing: write a name, or generateName: word-count-")
    ]
    assert load_job(document() | {"metadata": {"generateName": "words-"}}, "").generate_name == "words-"
    assert load_job(document() | {"metadata": {"name": "words", "generateName": "words-"}}, "").name == "words"


@pytest.mark.parametrize(
    "name", ["Words", "-words", "words-", "a_b", "a.b", "a/b", "..", "words\n", "w" * 53, "wörter", ""]
)
def test_a_name_that_pods_cannot_have_is_refused(name: str) -> None:
    assert problems(document() | {"metadata": {"name": name}})[0][0] == "metadata.name"


def test_a_job_needs_inputs_or_a_list_of_them() -> None:
    assert problems(document() | {"spec": {}}) == [
        ("spec.inputs", "is missing: list the files, folders, globs or URLs to read")
    ]
    assert load_job(document() | {"spec": {"inputsFrom": "list.txt"}}, "").spec.inputs == ()


def test_a_spec_of_inputs_alone_is_valid_and_has_the_defaults() -> None:
    spec = load_job(document(), "job.yaml").spec
    assert spec == JobSpec(inputs=("logs/*.gz",))
    assert (spec.map_command, spec.reduce_command, spec.partitions) == (None, None, None)
    assert (spec.key, spec.split) == (KeySpec(separator=b"\t", fields=1), SplitSpec(max_bytes=64 << 20))
    assert (spec.max_attempts, spec.timeout_seconds, spec.ok_exit_codes) == (4, 600, (0,))


def test_the_first_kubemrs_manifest_is_a_job() -> None:
    job = load_job(from_yaml(FIRST_KUBEMR), "wordcount.yaml")
    assert (job.name, job.generate_name) == (None, "test-")
    assert (job.spec.image, job.spec.replicas, len(job.spec.inputs)) == ("example/kubemr-wordcount", 10, 2)
    assert job.spec.jobargs == {"separator": ","}
    assert job.spec.keep_tmp
    assert job.spec.template["spec"]["containers"][0]["name"] == "kubemrworker"


def test_a_document_that_was_read_back_from_a_cluster_is_a_job() -> None:
    written = {"uid": "1", "resourceVersion": "7", "generation": 1, "managedFields": [{}], "namespace": "team"}
    candidate = document() | {"metadata": {"name": "words", **written}, "status": {"state": "MAP"}}
    assert load_job(candidate, "").namespace == "team"


def test_values_become_ours() -> None:
    spec = load_job(
        document(
            mapCommand=["grep", "-o", ""],
            combineCommand="uniq -c",
            key={"separator": "→", "fields": 2.0},
            split={"maxBytes": "1.5Gi", "pack": False},
            env=[{"name": "LEVEL", "value": "1"}, {"name": "EMPTY"}],
            okExitCodes=[0, 1],
        ),
        "job.yaml",
    ).spec
    assert spec.map_command == ("grep", "-o", "")
    assert spec.combine_command == "uniq -c"
    assert spec.key == KeySpec(separator="→".encode(), fields=2)
    assert isinstance(spec.key.fields, int)
    assert spec.split == SplitSpec(max_bytes=3 << 29, pack=False)
    assert spec.env == (EnvVar(name="LEVEL", value="1"), EnvVar(name="EMPTY", value=""))
    assert spec.ok_exit_codes == (0, 1)


@pytest.mark.lengthy
@unhurried
@given(valid_specs())
def test_a_spec_comes_back_from_its_mapping(mapping: dict[str, Any]) -> None:
    spec = spec_from_mapping(mapping)
    written = spec_to_mapping(spec)
    assert spec_from_mapping(written) == spec
    assert spec_to_mapping(spec_from_mapping(written)) == written


@pytest.mark.lengthy
@unhurried
@given(valid_specs(), st.randoms())
def test_the_order_of_the_fields_does_not_matter(mapping: dict[str, Any], random: Any) -> None:
    names = list(mapping)
    random.shuffle(names)
    assert spec_from_mapping({name: mapping[name] for name in names}) == spec_from_mapping(mapping)


def test_a_mapping_holds_only_what_is_not_at_its_default() -> None:
    spec = spec_from_mapping({"inputs": ["a"], "maxAttempts": 4, "retry": 1, "split": {"maxBytes": "64Mi"}, "s3": {}})
    assert spec_to_mapping(spec) == {"inputs": ["a"], "retry": 1}


def test_what_is_made_of_a_document_does_not_change_with_it() -> None:
    candidate = document(template={"spec": {"a": [1]}}, jobargs={"a": "b"})
    spec = load_job(candidate, "").spec
    candidate["spec"]["template"]["spec"]["a"].append(2)
    candidate["spec"]["jobargs"]["c"] = "d"
    assert spec.template == {"spec": {"a": [1]}}
    assert spec.jobargs == {"a": "b"}


def test_a_spec_that_is_too_large_for_its_document_is_refused_with_the_way_out() -> None:
    name = "s3://bucket/" + "n" * 88
    assert load_job(document(inputs=[name] * 10_000), "job.yaml").spec.inputs[-1] == name
    with pytest.raises(InvalidSpec) as refused:
        load_job(document(inputs=[name] * 12_000), "job.yaml")
    [problem] = refused.value.problems
    assert problem.path == "spec"
    assert "bytes as JSON, and may have 1,048,576" in problem.message
    assert "inputsFrom" in problem.message


class TestChangesFromFlags:
    def test_they_win_over_the_document(self) -> None:
        changes = {"partitions": 3, "map_command": "cat", "inputs": ("b", "c")}
        spec = load_job(document(partitions=5, reduceCommand="uniq"), "job.yaml", changes).spec
        assert spec == JobSpec(inputs=("b", "c"), map_command="cat", reduce_command="uniq", partitions=3)

    def test_they_can_complete_a_document_that_is_not_valid_alone(self) -> None:
        candidate = document() | {"spec": {"mapCommand": "cat"}}
        assert load_job(candidate, "job.yaml", {"inputs": ("a",)}).spec.inputs == ("a",)

    def test_none_takes_a_field_away(self) -> None:
        spec = load_job(document(reduceCommand="uniq"), "job.yaml", {"partitions": 0, "reduce_command": None}).spec
        assert (spec.partitions, spec.reduce_command) == (0, None)

    def test_they_are_checked_together_with_the_document(self) -> None:
        with pytest.raises(InvalidSpec, match=r"spec\.reduceCommand: has no effect with partitions: 0"):
            load_job(document(reduceCommand="uniq"), "job.yaml", {"partitions": 0})

    @pytest.mark.parametrize("candidate", [None, {"spec": None}, {"spec": []}])
    def test_they_do_not_hide_that_there_is_no_spec(self, candidate: object) -> None:
        with pytest.raises(InvalidSpec, match="must be a mapping"):
            load_job(candidate, "job.yaml", {"partitions": 0})
