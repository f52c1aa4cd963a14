"""Translation of the reports of a server or of botocore into errors of kubemr-shell, or reasons to try again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kubemr_shell.errors import (
    BucketNotFound,
    CredentialsRefused,
    Forbidden,
    KubemrError,
    NoSuchRange,
    ObjectNotFound,
    PreconditionFailed,
    StorageError,
    StorageUnavailable,
)
from kubemr_shell.net.s3_config import ON_A_MACHINE, CredentialsAdvice
from kubemr_shell.shown import shown

_THROTTLED = (
    "SlowDown",
    "SlowDownRead",
    "SlowDownWrite",
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TooManyRequests",
    "ServiceUnavailable",
    "Busy",
)
_AGAIN = (
    "InternalError",
    "RequestTimeout",
    "RequestTimeTooSkewedRetry",
    "OperationAborted",
    "ConditionalRequestConflict",
    "IncompleteBody",
    "XMinioServerNotInitialized",
    "BadDigest",
)
_WRONG_KEYS = {
    "InvalidAccessKeyId": "the access key is not known",
    "SignatureDoesNotMatch": "the secret key does not fit the access key",
    "InvalidToken": "the session token is wrong",
    "ExpiredToken": "the session token has expired",
    "TokenRefreshRequired": "the session token has expired",
    "RequestTimeTooSkewed": "the clock of this machine is wrong",
    "AuthorizationHeaderMalformed": "the region is wrong: set s3.region, or AWS_REGION",
}
_ENDPOINT = "s3.endpoint or AWS_ENDPOINT_URL"
_SERVER = f"try later, check {_ENDPOINT}, or look into the server's log"
_OF_BUCKETS = ("list_objects_v2", "list_multipart_uploads", "head_bucket", "delete_objects")
_NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError")
_WRONG_PROFILE = (
    "ProfileNotFound",
    "ConfigParseError",
    "ConfigNotFound",
    "InvalidConfigError",
    "UnauthorizedSSOTokenError",
    "SSOTokenLoadError",
    "UnknownCredentialError",
)
_WRONG_ENDPOINT = ("ValueError", "EndpointResolutionError", "InvalidEndpointConfigurationError", "LocationParseError")
_WRONG_REQUEST = ("ParamValidationError", "NoRegionError", "InvalidRegionError", "InvalidProxiesConfigError")
_NO_S3 = ("ResponseParserError", "RecursionError")
"""Errors that mean that the server is not an S3 server.

RecursionError: a redirection without a region makes botocore ask for the region, and this request is redirected too.
"""
_CUT = (
    "ConnectionClosedError",
    "IncompleteReadError",
    "IncompleteRead",
    "ProtocolError",
    "ResponseStreamingError",
    "SSLError",
    "ConnectionResetError",
    "BrokenPipeError",
)
_UNREACHABLE = {
    "Connection refused": ": it refuses connections",
    "resolve": ": there is no such host",
    "unreachable": ": the network has no route to it",
}
_NOT_ALLOWED = ("AccessDenied", "AllAccessDisabled", "AccountProblem", "403", "Forbidden")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A failure that may be over soon."""

    reason: str
    advice: str = ""
    """The advice to the user if the failure lasts."""
    throttled: bool = False
    """Whether the server has refused the request because of too many requests."""
    asked: float = 0
    """The seconds that the server wants the client to wait before the next request."""


def given_up(trouble: Trouble, uri: str, seconds: float) -> StorageUnavailable:
    """Return the error for a trouble that has lasted for ``seconds``."""
    tried = f", tried for {seconds:.0f} s" if seconds >= 1 else ""
    advice = f": {trouble.advice}" if trouble.advice else ""
    return StorageUnavailable(f"{shown(uri)}: {trouble.reason}{tried}{advice}")


def of_answer(
    response: dict[str, Any], operation: str, uri: str, advice: CredentialsAdvice = ON_A_MACHINE
) -> KubemrError | Trouble:
    """Return the error to raise for an error answer of S3, or a Trouble if the request may succeed later.

    ``response`` is that of botocore's ClientError. ``operation`` is the name of the method of boto3's client.
    """
    error = response.get("Error", {})
    metadata = response.get("ResponseMetadata", {})
    status = int(metadata.get("HTTPStatusCode") or 0)
    code = str(error.get("Code") or status)
    text = str(error.get("Message") or "").splitlines()[:1]
    said = f"{code}{': ' + text[0] if text and text[0] else ''}"
    if code in _THROTTLED or status in (429, 503):
        asked = str(metadata.get("HTTPHeaders", {}).get("retry-after") or "")
        return Trouble(
            reason=f"the server answered {said}",
            advice="try later, or ask for less with s3.maxRequestsPerSecond",
            throttled=True,
            asked=float(asked) if asked.isdecimal() else 0,
        )
    if code in _AGAIN or status in (408, 425, 500, 502, 504):
        return Trouble(reason=f"the server answered {said}", advice=_SERVER)
    if code in _WRONG_KEYS or code.endswith("UserNotFound"):
        return _wrong_key(uri, code, advice)
    if code in _NOT_ALLOWED or status in (401, 403):
        return Forbidden(f"{shown(uri)}: no permission for {operation} ({said}): {advice.if_refused}")
    region = str(metadata.get("HTTPHeaders", {}).get("x-amz-bucket-region") or "")
    return _of_place(uri, status, code, said, operation=operation, region=region)


def is_without_reason(response: dict[str, Any]) -> bool:
    """Return whether an answer refuses a request with a bare status code, which may mean refused credentials."""
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = str(response.get("Error", {}).get("Code") or status)
    return status in (400, 401, 403) and code in (str(status), "BadRequest", "Bad Request", "Forbidden", "Unauthorized")


def _of_place(uri: str, status: int, code: str, said: str, *, operation: str, region: str) -> KubemrError:
    """Return the error for a request that was understood and allowed, but does not fit the bucket or the object."""
    missing = _missing(code, status, operation, uri)
    if missing:
        return missing
    if code in ("PreconditionFailed", "412") or status == 412:
        return PreconditionFailed(f"{shown(uri)}: the object is not the expected one: another process wrote it")
    if code in ("PermanentRedirect", "301", "IllegalLocationConstraintException") or status == 301:
        there = f"it is in {region}" if region else "it is in another region"
        return StorageError(f"{shown(uri)}: {there}: set s3.region, or AWS_REGION")
    if status == 400 and code == "400":  # an answer to HEAD has no body that could give the reason
        said += ", often a wrong region (s3.region, AWS_REGION) or an expired session token"
    return StorageError(f"{shown(uri)}: {operation} was refused: {said}")


def _missing(code: str, status: int, operation: str, uri: str) -> StorageError | None:
    if code == "NoSuchBucket" or (status == 404 and operation in _OF_BUCKETS):
        # BucketNotFound needs the code NoSuchBucket: a plain 404 may come from a server that is not an S3 server.
        kind = BucketNotFound if code == "NoSuchBucket" else ObjectNotFound
        return kind(f"{shown(uri)}: there is no bucket {_bucket(uri)}: check its name, and {_ENDPOINT}")
    if code in ("NoSuchKey", "NoSuchUpload", "InvalidPart", "404", "NotFound", "NoSuchVersion"):
        # InvalidPart: some servers look for the parts of an upload before they look for the upload.
        what = "no such upload" if code in ("NoSuchUpload", "InvalidPart") else "no such object"
        return ObjectNotFound(f"{shown(uri)}: {what}")
    if code == "InvalidRange" or status == 416:
        return NoSuchRange(f"{shown(uri)}: ends before the bytes that were asked for")
    return None


def of_failure(error: Exception, uri: str, advice: CredentialsAdvice = ON_A_MACHINE) -> KubemrError | Trouble | None:
    """Return the error, or the reason to try again, for an exception that came in place of an answer.

    Return None for an exception that does not come from requests: it is a bug.
    """
    name = type(error).__name__
    text = " ".join(str(error).split())
    problem = _of_configuration(name, text, uri, advice)
    if problem is not None:
        return problem
    told = getattr(error, "kwargs", {})  # botocore's errors keep the arguments that they were made with
    cause = str(told.get("error") or text)
    if name == "HTTPClientError" and "Invalid header value" in text:  # the text may contain the session token: hide it
        return Forbidden(
            f"{shown(uri)}: the access key or the session token has a line break in it, such as the one at the end of "
            f"a file that it was made of: {advice.if_wrong}"
        )
    why = _of_tls(cause) if name == "SSLError" else ""
    if why:
        return StorageUnavailable(f"{shown(uri)}: {why}")
    return _of_connection(name, text, cause, _server(str(told.get("endpoint_url") or ""))) if _is_met(error) else None


def _of_configuration(name: str, text: str, uri: str, advice: CredentialsAdvice) -> KubemrError | None:
    if name in _NO_CREDENTIALS:
        return CredentialsRefused(f"{shown(uri)}: there are no credentials ({text}): {advice.if_missing}")
    if name in _WRONG_PROFILE:
        return Forbidden(f"{shown(uri)}: {text}: check AWS_PROFILE and the files in ~/.aws")
    if name in _WRONG_ENDPOINT:
        return StorageError(f"{shown(uri)}: {text}: check {_ENDPOINT}: it begins with http:// or https://")
    if name in _WRONG_REQUEST:
        return StorageError(f"{shown(uri)}: {text}")
    if name in _NO_S3:
        return StorageError(f"{shown(uri)}: the answer does not come from an S3 server: check {_ENDPOINT}")
    return None


def _of_connection(name: str, text: str, cause: str, server: str) -> Trouble:
    network = f"check {_ENDPOINT}, and the network"
    if name in ("EndpointConnectionError", "ConnectionRefusedError"):
        why = next((said for found, said in _UNREACHABLE.items() if found in cause), "")
        return Trouble(reason=f"{server} cannot be reached{why}", advice=f"check {_ENDPOINT}, and whether it runs")
    if name == "ProxyConnectionError":
        return Trouble(reason="the proxy cannot be reached", advice="check HTTP_PROXY, HTTPS_PROXY and NO_PROXY")
    if name in ("ConnectTimeoutError", "ReadTimeoutError", "TimeoutError"):
        return Trouble(reason=f"{server} did not answer in time", advice=network)
    if name in _CUT:
        return Trouble(reason=f"{server} cut the connection", advice=network)
    return Trouble(reason=f"{name}: {text}", advice=network)


def _is_met(error: Exception) -> bool:
    """Return whether requests may raise an error of this kind. Any other error is a bug of kubemr-shell."""
    homes = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return isinstance(error, OSError) or not homes.isdisjoint(("botocore", "urllib3", "http"))


def _wrong_key(uri: str, code: str, advice: CredentialsAdvice) -> CredentialsRefused:
    why = _WRONG_KEYS.get(code, _WRONG_KEYS["InvalidAccessKeyId"])
    what_to_do = "" if ":" in why else f": {advice.if_wrong}"
    return CredentialsRefused(f"{shown(uri)}: {why} ({code}){what_to_do}")


def _of_tls(text: str) -> str:
    """Return the reason why TLS cannot work even if it is tried again, or an empty string."""
    trust = "s3.caBundle or AWS_CA_BUNDLE can name a file of authorities to trust"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        why = text.partition("certificate verify failed: ")[2].partition(" (_ssl")[0]
        return f"the server's certificate is not trusted{f' ({why})' if why else ''}: {trust}"
    if "doesn't match" in text:
        return f"the server's certificate is not trusted ({text}): check the host name in s3.endpoint"
    if any(found in text for found in ("No such file", "Permission denied", "NO_CERTIFICATE_OR_CRL_FOUND", "PEM")):
        return "the file of authorities has no certificates, or is missing: check s3.caBundle, or AWS_CA_BUNDLE"
    if "WRONG_VERSION_NUMBER" in text:
        return f"the server speaks no TLS: write http:// in {_ENDPOINT}"
    return ""


def _server(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else "the server"


def _bucket(uri: str) -> str:
    return uri.split("/", 3)[2]
