"""A quicker reader of the answers to ListObjectsV2.

botocore takes 0.1 s of a processor for a page of 1,000 keys, most of it for dates that nobody here looks at: more than
the server takes to make it. What is read here has its names, and leaves out dates, owners and classes.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

EVENT = "before-parse.s3.ListObjectsV2"
_ROOT = "ListBucketResult"
_EMPTY = b"<ListBucketResult/>"


def read_quickly(*, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """A handler of botocore's: puts what a good answer says in the place of what botocore would read."""
    if response_dict["status_code"] != 200:
        return
    try:
        customized_response_dict.update(read_list(response_dict["body"]))
    except (ET.ParseError, ValueError, KeyError):
        return  # cut or strange: botocore says so
    response_dict["body"] = _EMPTY


def read_list(body: bytes) -> dict[str, Any]:
    """KeyError, ValueError or ParseError for what is no such answer."""
    root = ET.fromstring(body)  # noqa: S314 - expat refuses what expands without end
    if not root.tag.endswith(_ROOT):
        raise ValueError(root.tag)
    space = root.tag.removesuffix(_ROOT)
    answer: dict[str, Any] = {"IsTruncated": root.findtext(f"{space}IsTruncated") == "true"}
    for name in ("EncodingType", "NextContinuationToken", "Prefix", "Delimiter", "StartAfter"):
        text = root.findtext(f"{space}{name}")
        if text is not None:
            answer[name] = text
    contents = [_described(item, space) for item in root.iterfind(f"{space}Contents")]
    prefixes = [{"Prefix": item.findtext(f"{space}Prefix") or ""} for item in root.iterfind(f"{space}CommonPrefixes")]
    if contents:
        answer["Contents"] = contents
    if prefixes:
        answer["CommonPrefixes"] = prefixes
    answer["KeyCount"] = len(contents) + len(prefixes)
    return answer


def _described(item: ET.Element, space: str) -> dict[str, Any]:
    texts = {child.tag: child.text or "" for child in item}
    return {
        "Key": texts[f"{space}Key"],
        "Size": int(texts[f"{space}Size"]),
        "ETag": texts.get(f"{space}ETag", ""),
    }
