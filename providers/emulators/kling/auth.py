"""Who asks: an API key, or a token signed with HS256 (Kling: authentication page)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from providers.emulators.kling import codes
from providers.emulators.kling.codes import RefusalError


def check_bearer(
    header: str,
    *,
    wall_s: float,
    api_key: str,
    secret_keys: Mapping[str, str],
    token_allowed: bool,
) -> None:
    """Whether ``Authorization`` is the API key, or a token of one of ``secret_keys`` (access key -> secret key).

    Raises RefusalError: 1001 empty, 1002 malformed or unknown, 1000 wrongly signed, 1003 too early, 1004 expired.
    """
    if not header.strip():
        raise RefusalError(codes.AUTH_EMPTY)
    scheme, _, credential = header.partition(" ")
    if scheme != "Bearer" or not credential:
        raise RefusalError(codes.AUTH_INVALID, "write Bearer and the key")
    if hmac.compare_digest(credential.encode(), api_key.encode()):
        return
    if credential.count(".") != 2:
        raise RefusalError(codes.AUTH_INVALID, "unknown api key")
    if not token_allowed:
        raise RefusalError(codes.AUTH_INVALID, "this interface takes api keys only")
    _check_token(credential, wall_s, secret_keys)


def _check_token(token: str, wall_s: float, secret_keys: Mapping[str, str]) -> None:
    head, claims, signature = token.split(".")
    if _object(head).get("alg") != "HS256":
        raise RefusalError(codes.AUTH_INVALID, "the token's alg must be HS256")
    facts = _object(claims)
    issuer, expires, not_before = facts.get("iss"), facts.get("exp"), facts.get("nbf")
    if not isinstance(issuer, str) or issuer not in secret_keys:
        raise RefusalError(codes.AUTH_INVALID, "unknown access key")
    expected = hmac.new(secret_keys[issuer].encode(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(expected, _decoded(signature)):
        raise RefusalError(codes.AUTH_FAILED, "the token's signature does not match")
    if not_before is not None and wall_s < _epoch_s(not_before):
        raise RefusalError(codes.TOKEN_TOO_EARLY)
    if wall_s >= _epoch_s(expires):
        raise RefusalError(codes.TOKEN_EXPIRED)


def _epoch_s(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusalError(codes.AUTH_INVALID, "exp and nbf must be epoch seconds")
    return value


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusalError(codes.AUTH_INVALID, "the token is malformed") from error


def _object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_decoded(part))
    except ValueError as error:
        raise RefusalError(codes.AUTH_INVALID, "the token is malformed") from error
    if not isinstance(value, dict):
        raise RefusalError(codes.AUTH_INVALID, "the token is malformed")
    return value
