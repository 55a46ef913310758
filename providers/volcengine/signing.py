"""Volcengine's V4 signature for requests of an access key (Volcengine: "Signature method"; the vendor's open SDK,
``volcengine/auth/SignerV4.py``).

It differs from AWS's in three places: the algorithm is named ``HMAC-SHA256``, the signing key starts from the bare
secret key, and the scope ends in ``request``.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote, urlsplit

ALGORITHM = "HMAC-SHA256"
_UNRESERVED = "-_.~"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key of one region and service. ``security_token`` goes with temporary (STS) keys only."""

    access_key: str
    secret_key: str = field(repr=False)
    region: str
    service: str
    security_token: str = field(default="", repr=False)


def signed_headers(
    credentials: Credentials,
    url: str,
    body: bytes,
    *,
    at: datetime,
    method: str = "POST",
    content_type: str = "application/json",
) -> dict[str, str]:
    """The headers that make ``url`` with exactly ``body`` a signed request; all of them are to be sent as they are.

    ``Host`` is among them, with the port where it is not the scheme's own, since it is signed. ``at`` must be aware;
    the vendor refuses a clock that is off by too much (15 minutes is usual, the figure is not documented).
    """
    parts = urlsplit(url)
    moment = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "Content-Type": content_type,
        "Host": _host(parts.hostname or "", parts.port, parts.scheme),
        "X-Content-Sha256": hashlib.sha256(body).hexdigest(),
        "X-Date": moment,
    }
    if credentials.security_token:
        headers["X-Security-Token"] = credentials.security_token
    names = ";".join(sorted(name.lower() for name in headers))
    canonical = "\n".join(
        [
            method,
            quote(unquote(parts.path) or "/", safe="/" + _UNRESERVED),
            _canonical_query(parts.query),
            _canonical_headers(headers),
            names,
            headers["X-Content-Sha256"],
        ]
    )
    scope = "/".join([moment[:8], credentials.region, credentials.service, "request"])
    text = "\n".join([ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signature = hmac.new(
        _signing_key(credentials.secret_key, scope), text.encode(), hashlib.sha256
    ).hexdigest()
    headers["Authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return headers


def _host(name: str, port: int | None, scheme: str) -> str:
    literal = f"[{name}]" if ":" in name else name
    return literal if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{literal}:{port}"


def _canonical_query(query: str) -> str:
    # Sorted before they are escaped, as the vendor's signer does; the order differs where a name has such characters.
    pairs = sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0])
    return "&".join(
        f"{quote(name, safe=_UNRESERVED)}={quote(value, safe=_UNRESERVED)}" for name, value in pairs
    )


def _canonical_headers(headers: dict[str, str]) -> str:
    lines = {name.lower(): value.strip() for name, value in headers.items()}
    # The vendor's own signer leaves these two ports out whatever the scheme.
    host, colon, port = lines["host"].rpartition(":")
    if colon and port in ("80", "443"):
        lines["host"] = host
    return "".join(f"{name}:{lines[name]}\n" for name in sorted(lines))


def _signing_key(secret_key: str, scope: str) -> bytes:
    key = secret_key.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
