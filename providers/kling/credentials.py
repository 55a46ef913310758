"""How Kling knows who asks: an API key, or a token signed with an access key (Kling: authentication page).

The key works for all models. Tokens are documented for the legacy endpoints only; whether the new ones refuse them is
unconfirmed.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from pydantic import SecretStr

TOKEN_LIVES_S = 1800
_RENEWED_BEFORE_END_S = 300
_CLOCK_SKEW_S = 5


class Credentials(Protocol):
    """``signed``: tokens are made here and lapse, so that a refusal of one may be a matter of clocks."""

    @property
    def signed(self) -> bool: ...

    def bearer(self) -> str:
        """What goes behind "Bearer" now."""
        ...

    def renew(self) -> None:
        """The last token was refused as lapsed: the next one is made anew."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """What must not appear in any message."""
        ...


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A static key."""

    key: SecretStr

    @property
    def signed(self) -> bool:
        return False

    def bearer(self) -> str:
        return self.key.get_secret_value()

    def renew(self) -> None:
        """Nothing to renew."""

    def secrets(self) -> tuple[str, ...]:
        return (self.bearer(),)


class SignedTokens:
    """Tokens for an access key and its secret key, renewed five minutes before they lapse. ``clock``: epoch seconds."""

    signed = True

    def __init__(
        self, access_key: SecretStr, secret_key: SecretStr, clock: Callable[[], float] = time.time
    ) -> None:
        self._access_key = access_key
        self._secret_key = secret_key
        self._clock = clock
        self._token = ""
        self._lapses_at_s = 0.0

    def bearer(self) -> str:
        now_s = self._clock()
        if now_s >= self._lapses_at_s - _RENEWED_BEFORE_END_S:
            self._token = sign(
                self._access_key.get_secret_value(), self._secret_key.get_secret_value(), int(now_s)
            )
            self._lapses_at_s = now_s + TOKEN_LIVES_S
        return self._token

    def renew(self) -> None:
        self._lapses_at_s = 0.0

    def secrets(self) -> tuple[str, ...]:
        return (self._secret_key.get_secret_value(), self._access_key.get_secret_value(), self._token)


def sign(access_key: str, secret_key: str, now_s: int) -> str:
    """A token (JWT, HS256) that is valid from a little before ``now_s``, for 30 minutes."""
    claims = {"iss": access_key, "exp": now_s + TOKEN_LIVES_S, "nbf": now_s - _CLOCK_SKEW_S}
    signed = ".".join(
        _segment(json.dumps(part, separators=(",", ":")).encode()) for part in (_HEADER, claims)
    )
    return f"{signed}.{_segment(hmac.digest(secret_key.encode(), signed.encode(), sha256))}"


_HEADER = {"alg": "HS256", "typ": "JWT"}


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
