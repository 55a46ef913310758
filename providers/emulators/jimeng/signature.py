"""Checking Volcengine's V4 signature (vendor's open SDK: ``volcengine/auth/SignerV4.py``; page "Signature method").

Close to AWS's scheme, with three differences: the algorithm is named ``HMAC-SHA256``, the key starts from the bare
secret key, and the scope ends in ``request``. The set of signed headers is the one that the request declares; the SDK
declares ``content-type;host;x-content-sha256;x-date``, other clients only ``host;x-date``.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

ALGORITHM = "HMAC-SHA256"
REGION = "cn-north-1"
SERVICE = "cv"

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=(?P<credential>[^,\s]+),\s*SignedHeaders=(?P<signed>[^,\s]+),\s*"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


class GatewayError(Exception):
    """The gateway before the service refuses: an answer with ``ResponseMetadata.Error`` and no ``code``."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Authorization:
    """The parts of an ``Authorization`` header."""

    access_key: str
    date: str
    region: str
    service: str
    terminator: str
    signed_headers: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/{self.terminator}"


def parse_authorization(value: str) -> Authorization:
    """Raises GatewayError (InvalidAuthorization, InvalidCredential) for anything but the documented form."""
    match = _AUTHORIZATION.fullmatch(value.strip())
    if match is None:
        raise GatewayError(401, "InvalidAuthorization", "The Authorization header is not of the V4 form.")
    parts = match["credential"].split("/")
    if len(parts) != 5:
        raise GatewayError(
            400, "InvalidCredential", "Credential must be <AK>/<date>/<region>/<service>/request."
        )
    access_key, date, region, service, terminator = parts
    signed_headers = tuple(match["signed"].split(";"))
    return Authorization(access_key, date, region, service, terminator, signed_headers, match["signature"])


def canonical_query(query: Mapping[str, list[str]]) -> str:
    """Sorted by name, RFC 3986 escapes (a space is ``%20``)."""
    pairs = ((quote(name, safe="-_.~"), value) for name, values in query.items() for value in values)
    return "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in sorted(pairs))


def canonical_request(
    *,
    method: str,
    path: str,
    query: Mapping[str, list[str]],
    headers: Mapping[str, str],
    signed_headers: tuple[str, ...],
    body: bytes,
) -> str:
    """The text that is hashed; ``headers`` are lower-case, and every signed one must be there."""
    lines = "".join(f"{name}:{_header_value(name, headers[name])}\n" for name in signed_headers)
    return "\n".join(
        [
            method.upper(),
            quote(path or "/", safe="/-_.~"),
            canonical_query(query),
            lines,
            ";".join(signed_headers),
            hashlib.sha256(body).hexdigest(),
        ]
    )


def signature_of(canonical: str, secret_key: str, x_date: str, authorization: Authorization) -> str:
    """The hex signature of a canonical request under the scope that the header declares."""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join([ALGORITHM, x_date, authorization.scope, digest])
    key = secret_key.encode()
    for part in (authorization.date, authorization.region, authorization.service, authorization.terminator):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def verify(
    *,
    method: str,
    path: str,
    query: Mapping[str, list[str]],
    headers: Mapping[str, str],
    body: bytes,
    secrets: Mapping[str, str],
    now_s: float,
    tolerance_s: float,
) -> str:
    """The access key that signed the request. ``secrets``: access key -> secret key.

    Raises GatewayError as the gateway answers. ``tolerance_s``: how far X-Date may be from ``now_s``, either way
    (15 minutes is usual; the vendor's own figure is unconfirmed).
    """
    if "authorization" not in headers:
        raise GatewayError(401, "MissingAuthenticationToken", "The request has no Authorization header.")
    authorization = parse_authorization(headers["authorization"])
    x_date = _checked_date(headers.get("x-date", ""), authorization, now_s, tolerance_s)
    _check_scope(authorization)
    _check_signed_headers(authorization, headers)
    claimed = headers.get("x-content-sha256")
    if claimed is not None and claimed != hashlib.sha256(body).hexdigest():
        raise GatewayError(
            401, "SignatureDoesNotMatch", "X-Content-Sha256 is not the hash of the body as sent."
        )
    if authorization.access_key not in secrets:
        raise GatewayError(401, "InvalidAccessKey", "The access key does not exist.")
    canonical = canonical_request(
        method=method,
        path=path,
        query=query,
        headers=headers,
        signed_headers=authorization.signed_headers,
        body=body,
    )
    expected = signature_of(canonical, secrets[authorization.access_key], x_date, authorization)
    if not hmac.compare_digest(expected, authorization.signature):
        raise GatewayError(
            401,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the one you sent.",
        )
    return authorization.access_key


def _checked_date(x_date: str, authorization: Authorization, now_s: float, tolerance_s: float) -> str:
    try:
        stamp = datetime.strptime(x_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise GatewayError(400, "InvalidTimestamp", "X-Date must be UTC as YYYYMMDDTHHMMSSZ.") from None
    if abs(stamp.timestamp() - now_s) > tolerance_s:
        raise GatewayError(400, "InvalidTimestamp", "The signature has expired or lies in the future.")
    if authorization.date != x_date[:8]:
        raise GatewayError(400, "InvalidCredential", "The date of the credential is not that of X-Date.")
    return x_date


def _check_scope(authorization: Authorization) -> None:
    if (authorization.region, authorization.service) != (REGION, SERVICE):
        raise GatewayError(400, "InvalidCredential", f"The scope must be {REGION}/{SERVICE}.")
    if authorization.terminator != "request":
        raise GatewayError(400, "InvalidCredential", "The scope must end in 'request'.")


def _check_signed_headers(authorization: Authorization, headers: Mapping[str, str]) -> None:
    names = authorization.signed_headers
    if list(names) != sorted(set(names)) or any(name != name.lower() for name in names):
        raise GatewayError(
            401, "SignatureDoesNotMatch", "SignedHeaders must be lower case, sorted, without doubles."
        )
    for name in ("host", "x-date"):
        if name not in names:
            raise GatewayError(401, "SignatureDoesNotMatch", f"The header {name} must be signed.")
    for name in names:
        if name not in headers:
            raise GatewayError(401, "SignatureDoesNotMatch", f"The signed header {name} was not sent.")


def _header_value(name: str, value: str) -> str:
    if name != "host":
        return value.strip()
    host, colon, port = value.strip().rpartition(":")
    return host if colon and port in ("80", "443") else value.strip()
