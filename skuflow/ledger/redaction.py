"""Takes what must not be kept out of vendors' messages."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

from pydantic import BaseModel, SecretStr

MAX_MESSAGE_CHARS = 300

_RULES = (
    # Signed addresses carry their secret in the query.
    (re.compile(r"(https?://[^\s?'\"<>]+)\?[^\s'\"<>]*"), r"\1?..."),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), r"\1 ..."),
    (
        re.compile(
            r"(?i)\b((?:[\w-]*(?:secret|token|signature|password|api[_-]?key|access[_-]?key)[\w-]*)['\"]?\s*[:=]\s*)"
            r"['\"]?[^\s'\",;&]+"
        ),
        r"\1...",
    ),
    (re.compile(r"\b(sk|ak|LTAI|AKIA)[-_]?[A-Za-z0-9_-]{14,}"), r"\1..."),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+"), "..."),
)


_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def storable(text: str) -> str:
    """``text`` as any database takes it: without control characters and halves of characters, both of which JSON can
    say and a vendor may send.
    """
    return _UNSTORABLE.sub("?", text)


def redacted(message: str) -> str:
    """One line of at most 300 characters, without signed queries, tokens, keys and what
    ``keep_secret`` was told.
    """
    text = scrubbed(storable(" ".join(message.split())))
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text if len(text) <= MAX_MESSAGE_CHARS else text[: MAX_MESSAGE_CHARS - 1] + "…"


_LEAST_SECRET_CHARS = 6
"""Shorter "secrets" are words such as "x" for a server that wants none; blacking them out would ruin every text."""

_kept: set[str] = set()


def secrets_of(settings: BaseModel) -> tuple[str, ...]:
    """Every secret among settings: the SecretStr that are set, and the passwords within addresses, as written there
    and as meant.
    """
    found: list[str] = []
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            found.append(value.get_secret_value())
        elif isinstance(value, str):
            for password in _PASSWORD.findall(value):
                found.extend((password, unquote(password)))
    return tuple(secret for secret in dict.fromkeys(found) if len(secret) >= _LEAST_SECRET_CHARS)


_PASSWORD = re.compile(r"://[^/?#\s:@]*:([^/?#\s@]+)@")


def keep_secret(secrets: Iterable[str]) -> None:
    """From now on this process writes these nowhere that ``redacted`` and ``scrubbed`` stand before: a vendor may
    repeat a key in its answer.
    """
    _kept.update(secret for secret in secrets if len(secret) >= _LEAST_SECRET_CHARS)


def scrubbed(text: str) -> str:
    """A text of any length without what ``keep_secret`` was told."""
    return without_secrets(text, _kept)


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """A text of any length without these secrets: as they are, in base64, and as they stand in an address."""
    forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
    if not forms:
        return text
    # In one pass: a secret that is a word of the replacement must not be replaced within it.
    return re.sub("|".join(map(re.escape, forms)), "(secret)", text)


def _forms(secret: str) -> tuple[str, ...]:
    data = secret.encode()
    coded = (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode())
    return tuple(dict.fromkeys((secret, quote(secret, safe=""), *(form.rstrip("=") for form in coded))))
