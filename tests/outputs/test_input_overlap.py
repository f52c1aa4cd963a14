from pathlib import Path

import pytest

from kubemr_shell.errors import UsageError
from kubemr_shell.outputs.input_overlap import check_apart, check_tmp_apart


def test_an_output_at_or_under_an_input_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "in")
    for output in ("in", "in/out", "in/sub/out", "link/out"):
        with pytest.raises(UsageError, match="at or under the input in"):
            check_apart(str(tmp_path / output), ("in",), str(tmp_path))
    check_apart(str(tmp_path / "in2"), ("in", "-", "http://host/in"), str(tmp_path))


@pytest.mark.parametrize("glob", ["*", "i*/out", "in/*", "in/**", "**/out", "**", "../*/in"])
def test_an_output_that_a_glob_names_is_refused_before_it_is_there(tmp_path: Path, glob: str) -> None:
    with pytest.raises(UsageError, match="at or under the input"):
        check_apart(str(tmp_path / "in" / "out"), (glob,), str(tmp_path))


@pytest.mark.parametrize("glob", ["in/*.txt", "in/**/*.gz", "in[0-9]", "in2/*"])
def test_an_output_beside_what_a_glob_names_is_allowed(tmp_path: Path, glob: str) -> None:
    check_apart(str(tmp_path / "in" / "out"), (glob,), str(tmp_path))


@pytest.mark.parametrize("uri", ["in", "in/", "*", "in/*", "in/tmp/*/*", "in/**", "in/**/*.json", "**/plan/*"])
def test_temporaries_that_an_input_names_are_refused(tmp_path: Path, uri: str) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(UsageError, match=rf"--tmp {tmp_path}/in/tmp is at or under the input "):
        check_tmp_apart(str(tmp_path / "in" / "tmp"), (uri,), str(tmp_path))
    if "/" in uri:
        with pytest.raises(UsageError, match=r"--tmp s3://bkt/in/tmp is at or under the input s3://bkt/"):
            check_tmp_apart("s3://bkt/in/tmp", (f"s3://bkt/{uri}",), "/")


@pytest.mark.parametrize("uri", ["in/*.txt", "in/**/*.gz", "in/tmp/a.gz", "other", "-"])
def test_temporaries_beside_what_an_input_names_are_allowed(tmp_path: Path, uri: str) -> None:
    check_tmp_apart(str(tmp_path / "in" / "tmp"), (uri,), str(tmp_path))
    check_tmp_apart("s3://bkt/in/tmp", (f"s3://bkt/{uri}",), "/")


def test_a_name_that_is_there_is_no_glob(tmp_path: Path) -> None:
    (tmp_path / "[a]").mkdir()
    check_apart(str(tmp_path / "a"), ("[a]",), str(tmp_path))


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "s3://bkt",
            "s3://bkt/",
            "s3://bkt/logs/",
            "s3://bkt/logs/out",
            "s3://bkt/logs/out/",
            "s3://bkt/logs/ou*",
            "s3://bkt/*/out",
        ),
        *("S3://bkt/logs/*", "s3://bkt/**", "s3://bkt/logs/*/part-*", "s3://bkt/**/*.gz", "s3://bkt/logs/out/*"),
    ],
)
def test_an_output_in_a_bucket_at_or_under_an_input_is_refused(uri: str) -> None:
    with pytest.raises(UsageError, match=r"the output s3://bkt/logs/out is at or under the input"):
        check_apart("s3://bkt/logs/out", ("in", uri), "/")


@pytest.mark.parametrize(
    "uri",
    [
        "s3://other/logs/",
        "s3://bkt/logs/o",
        "s3://bkt/logs/out2/",
        "s3://bkt/logs/*.txt",
        "s3://bkt/logs/out/a*",
        "logs",
        "-",
    ],
)
def test_an_output_in_a_bucket_beside_an_input_is_allowed(uri: str) -> None:
    check_apart("s3://bkt/logs/out", (uri,), "/")


def test_the_whole_of_a_bucket_is_under_none_of_its_prefixes() -> None:
    check_apart("s3://bkt", ("s3://bkt/logs/", "s3://bkt/*.txt"), "/")
