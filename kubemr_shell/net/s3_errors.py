"""What a server or botocore reports about a request, as an error of ours or as a reason to try again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kubemr_shell.errors import (
    Forbidden,
    KubemrError,
    ObjectNotFound,
    PreconditionFailed,
    StorageError,
    StorageUnavailable,
)
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
_NOT_ALLOWED = ("AccessDenied", "AllAccessDisabled", "AccountProblem", "403", "Forbidden")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that may be over soon."""

    reason: str
    throttled: bool = False
    asked: float = 0
    """How many seconds the server wants to be left alone."""


def of_answer(response: dict[str, Any], operation: str, uri: str) -> KubemrError | Trouble:
    """``response`` is that of botocore's ClientError."""
    error = response.get("Error", {})
    metadata = response.get("ResponseMetadata", {})
    status = int(metadata.get("HTTPStatusCode") or 0)
    code = str(error.get("Code") or status)
    text = str(error.get("Message") or "").splitlines()[:1]
    said = f"{code}{': ' + text[0] if text and text[0] else ''}"
    if code in _THROTTLED or status in (429, 503):
        asked = str(metadata.get("HTTPHeaders", {}).get("retry-after") or "")
        return Trouble(
            reason=f"the server answered {said}", throttled=True, asked=float(asked) if asked.isdecimal() else 0
        )
    if code in _AGAIN or status in (408, 425, 500, 502, 504) or (status == 409 and code != "BucketNotEmpty"):
        return Trouble(reason=f"the server answered {said}")
    if code in _WRONG_KEYS:
        return Forbidden(f"{shown(uri)}: {_WRONG_KEYS[code]} ({code})")
    if code in _NOT_ALLOWED or status in (401, 403):
        return Forbidden(
            f"{shown(uri)}: no right for {operation} ({said}): check the credentials and the bucket's policy"
        )
    if code == "NoSuchBucket":
        return ObjectNotFound(f"{shown(uri)}: there is no bucket {_bucket(uri)}: check its name and s3.endpoint")
    if code.endswith("UserNotFound"):
        return Forbidden(f"{shown(uri)}: {_WRONG_KEYS['InvalidAccessKeyId']} ({code})")
    if code in ("NoSuchKey", "NoSuchUpload", "404", "NotFound", "NoSuchVersion"):
        what = "no such upload" if code == "NoSuchUpload" else "no such object"
        return ObjectNotFound(f"{shown(uri)}: {what}")
    if code in ("PreconditionFailed", "412") or status == 412:
        return PreconditionFailed(f"{shown(uri)}: is not what it was before")
    if code in ("PermanentRedirect", "301", "IllegalLocationConstraintException") or status == 301:
        region = metadata.get("HTTPHeaders", {}).get("x-amz-bucket-region")
        there = f"it is in {region}" if region else "it is in another region"
        return StorageError(f"{shown(uri)}: {there}: set s3.region, or AWS_REGION")
    return StorageError(f"{shown(uri)}: {operation} was refused: {said}")


def of_failure(error: Exception, uri: str) -> KubemrError | Trouble:
    """``error`` is one of botocore's, or of the connection's, that came without an answer."""
    name = type(error).__name__
    text = str(error)
    if name in ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"):
        return Forbidden(
            f"{shown(uri)}: there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            f"or make a profile in ~/.aws ({text})"
        )
    if name in ("ProfileNotFound", "ConfigParseError", "UnauthorizedSSOTokenError", "SSOTokenLoadError"):
        return Forbidden(f"{shown(uri)}: {text}")
    if name == "NoRegionError":
        return StorageError(f"{shown(uri)}: no region is known: set s3.region, or AWS_REGION")
    if name == "SSLError" and "CERTIFICATE_VERIFY_FAILED" in text:
        return StorageUnavailable(
            f"{shown(uri)}: the server's certificate is not trusted: "
            "s3.caBundle or AWS_CA_BUNDLE can name a file of authorities to trust"
        )
    if name in ("ParamValidationError", "InvalidEndpointConfigurationError", "UnknownServiceError"):
        return StorageError(f"{shown(uri)}: {text.splitlines()[0] if text else name}")
    if name == "ValueError":
        return StorageError(f"{shown(uri)}: {text}: check s3.endpoint, or AWS_ENDPOINT_URL")
    return Trouble(reason=_connection(name, text))


def _connection(name: str, text: str) -> str:
    match name:
        case "EndpointConnectionError" | "ConnectionRefusedError":
            return f"the server cannot be reached ({text.removeprefix('Could not connect to the endpoint URL: ')})"
        case "ConnectTimeoutError" | "ReadTimeoutError" | "TimeoutError":
            return "the server did not answer in time"
        case "ConnectionClosedError" | "IncompleteReadError" | "ProtocolError" | "ResponseStreamingError":
            return "the connection was cut"
        case _:
            return f"{name}: {text.splitlines()[0] if text else ''}"


def _bucket(uri: str) -> str:
    return uri.split("/", 3)[2]
