"""Checking OSS's signatures of version 4, in the header and in the address.

Alibaba Cloud help, "Include signatures in the Authorization header (V4)" and "Add signatures to URLs (V4)". Written
from there, not from the SDK that it checks.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote_plus

from providers.emulators.core.http import Incoming
from providers.emulators.oss.errors import OssRefusalError, denied, invalid_argument

ALGORITHM = "OSS4-HMAC-SHA256"
MAX_SKEW_S = 15 * 60
MAX_EXPIRES_S = 7 * 24 * 3600
_TERMINATOR = "aliyun_v4_request"
_UNSIGNED = "UNSIGNED-PAYLOAD"
_HEADER = re.compile(
    rf"{ALGORITHM} Credential=(?P<credential>[^,\s]+)"
    r"(?:,\s*AdditionalHeaders=(?P<before>[^,\s]+))?"
    r",\s*Signature=(?P<signature>[0-9a-f]{64})"
    r"(?:,\s*AdditionalHeaders=(?P<after>[^,\s]+))?"
)
_SIGNED_ALWAYS = ("content-type", "content-md5")


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the emulator knows. ``token``: the session token that belongs to a temporary key."""

    secret: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class _Claim:
    """A signature with what it claims to cover."""

    access_key_id: str
    scope: tuple[str, str, str, str]
    stamp: str
    additional: tuple[str, ...]
    signature: str
    token: str


def verify(request: Incoming, accounts: Mapping[str, Account], region: str, now_s: float) -> str:
    """The access key id of who signed the request. Raises OssRefusalError as OSS answers.

    ``now_s``: epoch seconds by OSS's clock.
    """
    parameters = query_of(request)
    in_address = "x-oss-signature-version" in parameters or "x-oss-signature" in parameters
    if in_address and "authorization" in request.headers:
        raise invalid_argument("Only one auth mechanism allowed", "0002-00000002")
    if in_address:
        claim = _claim_of_address(parameters, now_s)
    elif "authorization" in request.headers:
        claim = _claim_of_header(request.headers, now_s)
    else:
        raise denied("Anonymous access is forbidden for this operation.")
    _check_scope(claim, region)
    account = accounts.get(claim.access_key_id)
    if account is None:
        raise OssRefusalError(
            403,
            "InvalidAccessKeyId",
            "The OSS Access Key Id you provided does not exist in our records.",
            "0002-00000902",
            OSSAccessKeyId=claim.access_key_id,
        )
    if claim.token != account.token:
        raise OssRefusalError(
            403, "InvalidSecurityToken", "The security token you provided is invalid.", "0002-00000802"
        )
    _check_signature(request, parameters, claim, account)
    return claim.access_key_id


def query_of(request: Incoming) -> dict[str, str]:
    """The parameters of an address, each once; one without a value is empty."""
    pairs = (item.partition("=") for item in request.target.partition("?")[2].split("&") if item)
    return {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}


def _claim_of_header(headers: Mapping[str, str], now_s: float) -> _Claim:
    match = _HEADER.fullmatch(headers["authorization"])
    if match is None:
        raise invalid_argument("The Authorization header is not of version 4.", "0002-00000201")
    if headers.get("x-oss-content-sha256") != _UNSIGNED:
        raise invalid_argument("x-oss-content-sha256 must be UNSIGNED-PAYLOAD.", "0002-00000224")
    stamp = headers.get("x-oss-date", "")
    if abs(_seconds_of(stamp) - now_s) > MAX_SKEW_S:
        raise OssRefusalError(
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            "0002-00000504",
            RequestTime=stamp,
        )
    additional = tuple(filter(None, (match["before"] or match["after"] or "").split(";")))
    token = headers.get("x-oss-security-token", "")
    return _claim(match["credential"], stamp, additional, match["signature"], token)


def _claim_of_address(parameters: Mapping[str, str], now_s: float) -> _Claim:
    if parameters.get("x-oss-signature-version") != ALGORITHM:
        raise invalid_argument("x-oss-signature-version is invalid.", "0002-00000231")
    for name in ("x-oss-credential", "x-oss-date", "x-oss-expires", "x-oss-signature"):
        if not parameters.get(name):
            raise invalid_argument(f"{name} is missing.", "0002-00000215")
    expires = parameters["x-oss-expires"]
    if not expires.isdecimal() or not 1 <= int(expires) <= MAX_EXPIRES_S:
        raise invalid_argument("x-oss-expires must lie between 1 and 604800.", "0002-00000232")
    begun_s = _seconds_of(parameters["x-oss-date"])
    if begun_s - now_s > MAX_SKEW_S:
        raise denied("Request is not valid yet.")
    if now_s > begun_s + int(expires):
        raise denied("Request has expired.")
    return _claim(
        parameters["x-oss-credential"],
        parameters["x-oss-date"],
        tuple(filter(None, parameters.get("x-oss-additional-headers", "").split(";"))),
        parameters["x-oss-signature"],
        parameters.get("x-oss-security-token", ""),
    )


def _claim(credential: str, stamp: str, additional: tuple[str, ...], signature: str, token: str) -> _Claim:
    parts = credential.split("/")
    if len(parts) != 5:
        raise invalid_argument("The Credential is incomplete.", "0002-00000225")
    access_key_id, date, region, product, terminator = parts
    if date != stamp[:8]:
        raise invalid_argument("Invalid signing date in Authorization header.", "0002-00000225")
    return _Claim(access_key_id, (date, region, product, terminator), stamp, additional, signature, token)


def _seconds_of(stamp: str) -> float:
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise denied("OSS authentication requires a valid Date.") from None


def _check_scope(claim: _Claim, region: str) -> None:
    _, named, product, terminator = claim.scope
    if named != region:
        raise invalid_argument("Invalid signing region in Authorization header.", "0002-00000226")
    if product != "oss":
        raise invalid_argument("Invalid signing product in Authorization header.", "0002-00000227")
    if terminator != _TERMINATOR:
        raise invalid_argument("Invalid signing terminator in Authorization header.", "0002-00000228")


def _check_signature(
    request: Incoming, parameters: Mapping[str, str], claim: _Claim, account: Account
) -> None:
    canonical = _canonical(request, parameters, claim)
    scope = "/".join(claim.scope)
    text = "\n".join((ALGORITHM, claim.stamp, scope, hashlib.sha256(canonical).hexdigest()))
    key = f"aliyun_v4{account.secret}".encode()
    for part in claim.scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), claim.signature):
        raise OssRefusalError(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and "
            "signing method.",
            "0002-00000301",
            OSSAccessKeyId=claim.access_key_id,
            SignatureProvided=claim.signature,
            StringToSign=text,
            CanonicalRequest=canonical.decode("utf-8", "replace"),
        )


def _canonical(request: Incoming, parameters: Mapping[str, str], claim: _Claim) -> bytes:
    query = "&".join(
        f"{name}={value}" if value else name
        for name, value in sorted(
            (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
            for name, value in parameters.items()
            if name != "x-oss-signature"
        )
    )
    signed = sorted(
        (name, value)
        for name, value in request.headers.items()
        if name.startswith("x-oss-") or name in _SIGNED_ALWAYS or name in claim.additional
    )
    # Header values arrived as bytes and were read as Latin-1.
    headers = b"".join(f"{name}:{value.strip()}\n".encode("latin-1") for name, value in signed)
    return b"\n".join(
        (
            request.method.encode(),
            quote(request.path, safe="/-_.~").encode(),
            query.encode(),
            headers,
            ";".join(claim.additional).encode(),
            _UNSIGNED.encode(),
        )
    )
