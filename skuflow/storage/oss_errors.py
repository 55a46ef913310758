"""What OSS's refusals mean: which pass, and what a person is told. No sentence holds a secret or a signature.

Codes: Alibaba Cloud help, "OSS error responses"; EC 0002-00000226 for the region that a signature names.
"""

from __future__ import annotations

import re

import oss2
import requests
import urllib3

from skuflow.storage.objects import StorageError
from skuflow.storage.places import OssPlace


class StrangeReplyError(Exception):
    """A reply that is not OSS's: of a proxy, say, or of a sign-in page."""


OSS_ERRORS = (
    StrangeReplyError,
    oss2.exceptions.OssError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
)
"""What a call through oss2 may raise: reading a body is not wrapped by it."""

MAX_KEY_BYTES = 1023

_SAFE_CODE = re.compile(r"[A-Za-z0-9.]{1,60}")
_PASSING_STATUS = frozenset({408, 429, 500, 502, 503, 504})
# A body that did not arrive as it was sent.
_PASSING_CODES = frozenset({"RequestTimeout", "InvalidDigest", "IncompleteBody"})


def passes(error: Exception) -> bool:
    """Whether the same request may succeed in a moment."""
    if isinstance(error, (oss2.exceptions.InconsistentError, StrangeReplyError)):
        return True
    if isinstance(error, oss2.exceptions.ServerError):
        return error.status in _PASSING_STATUS or error.code in _PASSING_CODES
    cause = error.exception if isinstance(error, oss2.exceptions.RequestError) else error
    if isinstance(cause, (requests.RequestException, urllib3.exceptions.HTTPError)):
        final = (requests.exceptions.InvalidURL, requests.exceptions.TooManyRedirects)
        return not isinstance(cause, final) and "certificate_verify_failed" not in str(cause).lower()
    return False


def is_missing(error: Exception) -> bool:
    """Whether there is no such object, in a bucket that is there, and OSS itself says so."""
    return (
        isinstance(error, oss2.exceptions.ServerError)
        and error.status == 404
        and bool(error.request_id)
        and error.code in ("", "NoSuchKey")
    )


def is_taken(error: Exception) -> bool:
    """Whether a write that must not overwrite found an object. oss2 has no class for it."""
    return isinstance(error, oss2.exceptions.ServerError) and error.code == "FileAlreadyExists"


def storage_error(error: Exception, place: OssPlace, doing: str) -> StorageError:
    """``doing``: such as "write kits/a/kit.json"."""
    return StorageError(f"cannot {doing} in {place.address}: {_reason(error, place)}")


def _reason(error: Exception, place: OssPlace) -> str:
    stranger = isinstance(error, oss2.exceptions.ServerError) and not (error.code or error.request_id)
    if stranger or isinstance(error, StrangeReplyError):
        return f"what answers at {place.endpoint} is not OSS; check OSS_ENDPOINT and the network"
    if isinstance(error, oss2.exceptions.InconsistentError):
        return "the bytes arrived changed, several times; check the network"
    if isinstance(error, oss2.exceptions.ServerError):
        return _refusal(error, place)
    if isinstance(error, oss2.exceptions.RequestError) or not isinstance(error, oss2.exceptions.OssError):
        cause = getattr(error, "exception", error)
        if "certificate_verify_failed" in str(cause).lower():
            return f"the certificate of {place.endpoint} is not trusted; check OSS_ENDPOINT and the network"
        return (
            f"{place.endpoint} does not answer ({type(cause).__name__}); check OSS_ENDPOINT and the network"
        )
    return f"oss2 refuses ({type(error).__name__}); check SKUFLOW_STORAGE and OSS_ENDPOINT"


def _refusal(error: oss2.exceptions.ServerError, place: OssPlace) -> str:
    code = error.code if _SAFE_CODE.fullmatch(error.code or "") else ""
    said = (error.message or "").lower()
    if "signing region" in said:
        return f"the bucket is not in {place.region}; correct OSS_REGION"
    if "specified endpoint" in said:
        there = str(error.details.get("Endpoint") or "")
        named = f"; it is at https://{there}" if re.fullmatch(r"[a-z0-9.-]{4,80}", there) else ""
        return f"the bucket is not at {place.endpoint}{named}; correct OSS_ENDPOINT and OSS_REGION"
    if "request has expired" in said:
        return "the signature came too late; set the clock of this machine"
    told = _TOLD.get(code)
    if told:
        return told.format(bucket=place.bucket, endpoint=place.endpoint)
    number = f", request {error.request_id}" if _SAFE_CODE.fullmatch(error.request_id or "") else ""
    return f"OSS answered {error.status} {code or 'without a code'}{number}"


_TOLD = {
    "NoSuchBucket": "there is no bucket {bucket} at {endpoint}; create it, or correct SKUFLOW_STORAGE",
    "InvalidBucketName": "{bucket} is no bucket's name; correct SKUFLOW_STORAGE",
    "InvalidAccessKeyId": "OSS does not know this OSS_ACCESS_KEY_ID; correct or renew the key",
    "InactiveAccessKey": "this OSS_ACCESS_KEY_ID is switched off; switch it on or use another",
    "SignatureDoesNotMatch": "OSS_ACCESS_KEY_SECRET does not belong to OSS_ACCESS_KEY_ID; correct it",
    "InvalidSecurityToken": "OSS_SESSION_TOKEN does not belong to this key; get a new temporary key",
    "SecurityTokenExpired": "OSS_SESSION_TOKEN has expired; get a new temporary key",
    "RequestTimeTooSkewed": "this machine's clock is more than 15 minutes wrong; set it",
    "AccessDenied": "this key may not do that in {bucket}; give its RAM user the rights listed in docs/storage.md",
    "UserDisable": "OSS has switched this account off, mostly for an unpaid bill; pay it in the console",
    "InvalidObjectName": f"the key is too long; prefix and key have {MAX_KEY_BYTES} bytes together at most",
    "InvalidObjectState": "the object is archived; restore it in the console, and exempt this prefix from archiving",
    "FileImmutable": "a retention rule of {bucket} keeps it as it is; exempt this prefix from the rule",
    "EntityTooLarge": "it is larger than OSS takes",
}
