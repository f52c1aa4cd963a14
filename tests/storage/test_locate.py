import pytest

from kubemr_shell.errors import UsageError
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.storage.locate import locate


@pytest.mark.parametrize("uri", ["/a/b", "a/b", "file:///a/b", "FILE:///a/b", "a:b", "./s3://a", "-", "http:/a"])
def test_paths_and_file_uris_are_local(uri: str) -> None:
    assert isinstance(locate(uri), LocalStorage)


@pytest.mark.parametrize("uri", ["s3:/bucket/key", "S3:/", "s3:/bucket"])
def test_one_slash_too_few_makes_no_folder(uri: str) -> None:
    with pytest.raises(UsageError, match=r"write s3:// with two slashes .*write \./"):
        locate(uri)


@pytest.mark.parametrize("uri", ["gs://bucket/key", "HTTP://host/", "s4+x.y-z://a"])
def test_another_scheme_is_named_with_the_way_out(uri: str) -> None:
    with pytest.raises(UsageError, match=r"nothing can be kept under .*://; give a path, file:// or s3://.*write \./"):
        locate(uri)
