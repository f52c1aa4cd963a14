"""Documents of jobs for tests: a small one to change, the first kubemr's, and strategies for valid and broken ones."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from kubemr_shell.job.kinds import API_VERSION, JOB_KIND

Document = dict[str, Any]

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Nothing here is a matter of time, and the machine may be busy."""

FIRST_KUBEMR = """
apiVersion: "turbobytes.com/v1alpha1"
kind: MapReduceJob
metadata:
  generateName: test-
spec:
  image: example/kubemr-wordcount
  replicas: 10
  inputs:
  - https://example.org/rfc/rfc4501.txt
  - https://example.org/rfc/rfc2017.txt
  jobargs:
    separator: ","
  keepTmp: true
  template:
    spec:
      volumes:
      - name: tmpdir
        emptyDir: {}
      containers:
      - name: kubemrworker
        image: example/kubemr-wordcount
        volumeMounts:
        - name: tmpdir
          mountPath: /tmp
"""


def document(**spec: Any) -> Document:
    """A valid document with these fields in its spec, by the names of YAML."""
    return {
        "apiVersion": API_VERSION,
        "kind": JOB_KIND,
        "metadata": {"name": "words"},
        "spec": {"inputs": ["logs/*.gz"], **spec},
    }


def from_yaml(text: str) -> Any:
    return yaml.safe_load(text)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
SOME_TEXT = TEXT.filter(bool)
COMMAND = SOME_TEXT.filter(str.strip) | st.builds(
    lambda program, words: [program, *words], SOME_TEXT, st.lists(TEXT, max_size=3)
)
SEPARATOR = st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1).filter(
    lambda text: text != "\\t"
)
QUANTITY = st.integers(min_value=1, max_value=1 << 62) | st.builds(
    lambda number, fraction, unit: f"{number}{fraction}{unit}",
    st.integers(min_value=1, max_value=7),
    st.sampled_from(["", ".5", ".000000001"]),
    st.sampled_from(["", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]),
)
NAME = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
VARIABLE = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(1 << 63), max_value=(1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=6,
)


def whole(lowest: int, highest: int) -> st.SearchStrategy[int | float]:
    return st.integers(lowest, highest) | st.sampled_from([lowest, highest, float(lowest)])


SECONDS = whole(1, (1 << 31) - 1)
SPEC_FIELDS: Mapping[str, st.SearchStrategy[Any]] = {
    "image": SOME_TEXT,
    "replicas": whole(1, 10_000),
    "slots": whole(1, 1024),
    "inputsFrom": SOME_TEXT,
    "decompress": st.sampled_from(["auto", "none"]),
    "records": st.sampled_from(
        ["lines", "nul", "csv", "fastq", {"separator": "$$$$\n"}, {"start": "^BEGIN "}, {"bytes": 512}, {"csv": ";"}]
    ),
    "header": st.fixed_dictionaries(
        {"mode": st.sampled_from(["repeat", "drop"])}, optional={"lines": whole(1, 1_000_000)}
    )
    | st.fixed_dictionaries({"mode": st.just("drop"), "prefix": st.just("#")})
    | st.just({"mode": "keep"}),
    "mapCommand": COMMAND,
    "partitions": whole(1, 100_000),
    "key": st.fixed_dictionaries({}, optional={"separator": SEPARATOR, "fields": whole(1, 1_000_000)}),
    "files": st.lists(NAME.map("scripts/{}.py".format), min_size=1, max_size=3, unique=True),
    "archives": st.lists(NAME.map("s3://data/{}.tar/".format), min_size=1, max_size=3, unique=True),
    "split": st.fixed_dictionaries(
        {}, optional={"maxBytes": QUANTITY, "pack": st.booleans(), "wholeFiles": st.just(value=False)}
    )
    | st.just({"wholeFiles": True}),
    "maxAttempts": whole(1, 1000),
    "timeoutSeconds": SECONDS,
    "nice": whole(0, 19),
    "okExitCodes": st.lists(whole(0, 255), min_size=1, max_size=3),
    "output": SOME_TEXT.filter(lambda text: not text.startswith("http")),
    "compressOutput": st.sampled_from(["none", "gzip", "zstd"]),
    "env": st.dictionaries(VARIABLE, TEXT, min_size=1, max_size=3).map(
        lambda variables: [{"name": name, "value": value} for name, value in variables.items()]
    ),
    "jobargs": st.dictionaries(SOME_TEXT, TEXT, max_size=3),
    "keepTmp": st.booleans(),
    "template": st.dictionaries(st.text(st.characters(codec="utf-8")), JSON, max_size=3),
    "s3": st.fixed_dictionaries(
        {}, optional={"endpoint": st.just("http://localhost:9000"), "region": SOME_TEXT, "secretName": NAME}
    ),
    "ttlSecondsAfterFinished": SECONDS,
    "activeDeadlineSeconds": SECONDS,
    "cancel": st.booleans(),
    "retry": SECONDS,
    "suspend": st.booleans(),
}
REDUCING = {"combineCommand": COMMAND, "reduceCommand": COMMAND}


@st.composite
def valid_specs(draw: st.DrawFn) -> Document:
    """Specs that are right: up to eight fields with any values that do not contradict each other."""
    chosen = draw(st.sets(st.sampled_from([*SPEC_FIELDS, *REDUCING]), max_size=8))
    fields = {name: {**SPEC_FIELDS, **REDUCING}[name] for name in sorted(chosen)}
    spec: Document = draw(st.fixed_dictionaries({"inputs": st.lists(SOME_TEXT, min_size=1, max_size=3), **fields}))
    if draw(st.booleans()) and not spec.keys() & REDUCING.keys():
        spec["partitions"] = 0
    if spec.get("header", {}).get("mode", "keep") != "keep" and "records" in spec:
        spec["records"] = draw(st.sampled_from(["lines", "csv", {"csv": ";"}]))
    if spec.get("header", {}).get("mode", "keep") != "keep" and "split" in spec:
        spec["split"].pop("records", None)
    if "inputsFrom" in spec and draw(st.booleans()):
        del spec["inputs"]
    return spec


@st.composite
def valid_documents(draw: st.DrawFn) -> Document:
    metadata = draw(
        st.fixed_dictionaries(
            {"name": NAME},
            optional={"namespace": NAME, "labels": st.dictionaries(SOME_TEXT, TEXT, max_size=2), "uid": JSON},
        )
    )
    if draw(st.booleans()):
        metadata["generateName"] = metadata.pop("name")
    made = {"apiVersion": API_VERSION, "kind": JOB_KIND, "metadata": metadata, "spec": draw(valid_specs())}
    return made | draw(st.fixed_dictionaries({}, optional={"status": JSON}))


BOUNDS = [0, 1, 19, 255, 1000, 1024, 10_000, 100_000, 1_000_000, (1 << 31) - 1, (1 << 63) - 1]
AWKWARD: list[Any] = [None, True, False, 0.0, 1.0, 1.5, -1, *BOUNDS, *(bound + 1 for bound in BOUNDS)]
AWKWARD += [
    "",
    " ",
    "0",
    "1",
    "64Mi",
    "0Mi",
    "0.0",
    "64MB",
    "64Mi\n",
    "\t",
    "\\t",
    "\n",
    "a\n",
    "a\0",
    "A",
    "a b",
    "a-",
]
AWKWARD += [
    "auto",
    "none",
    "gzip",
    "http://x",
    "https://",
    "https:// ",
    "s3://x",
    "1a",
    *("w" * n for n in (48, 53, 254)),
]
AWKWARD += [[], [""], [" "], ["a"], ["a", ""], ["", "a"], ["a\0"], ["a", 1], [0, 1], [256], [None], [[]], [{}]]
AWKWARD += ["lines", "Lines", "separator", {"separator": ""}, {"start": "("}, {"bytes": 0}, {"csv": '"'}, {"nul": 1}]
AWKWARD += [{"bytes": 1, "csv": ","}, {"separator": "a", "start": "b"}, {"separator": "\\n"}, {"csv": "\u00e9"}]
AWKWARD += [{}, {"a": "b"}, {"a": 1}, {"": "b"}, {"a\0": "b"}, {"name": "A"}, [{"name": "A", "value": 1}]]
AWKWARD += [[{"name": name} for name in names] for names in ("A", "AA", "ABa", "ABA")]


@st.composite
def mutated_documents(draw: st.DrawFn) -> Any:
    """A valid document in which one to three places were changed."""
    changed = copy.deepcopy(draw(valid_documents()))
    for _ in range(draw(st.integers(1, 3))):
        holder, place = draw(st.sampled_from(list(_places(changed))))
        # A copy: a later change of the same document must not change the examples of the next document.
        value = copy.deepcopy(draw(st.sampled_from(AWKWARD) | JSON | SPEC_FIELDS["mapCommand"]))
        match draw(st.sampled_from(["replace", "remove", "add", "double"])):
            case "remove":
                del holder[place]
            case "add" if isinstance(holder, dict):
                names = [*SPEC_FIELDS, *REDUCING, "inputs", "maxBytes", "wholeFiles", "nothing"]
                holder[draw(st.sampled_from(names))] = value
            case "double" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[place]))
            case _:
                holder[place] = value
        if not changed:
            break
    return changed


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place that holds a value: its mapping or list, and its name or index there."""
    if isinstance(value, dict | list):
        for place, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, place
            yield from _places(inner)
