"""The signature of a notice: HMAC-SHA256, keyed with SKUFLOW_WEBHOOK_SECRET, over ``TIMESTAMP.BODY``.

``TIMESTAMP`` is the value of X-Skuflow-Timestamp (seconds since 1970 in decimal digits), ``BODY`` the bytes of the
body as they were sent. X-Skuflow-Signature is ``v1=`` and the digest in lower-case hex.
"""

from __future__ import annotations

import hashlib
import hmac
import re

TIMESTAMP_HEADER = "X-Skuflow-Timestamp"
SIGNATURE_HEADER = "X-Skuflow-Signature"
EVENT_HEADER = "X-Skuflow-Event"
ID_HEADER = "X-Skuflow-Id"

REPLAY_WINDOW_S = 300
_DIGITS = re.compile(r"[0-9]{1,12}", re.ASCII)


def signature(secret: str, timestamp_s: int, body: bytes) -> str:
    """The value of X-Skuflow-Signature."""
    message = str(timestamp_s).encode() + b"." + body
    return "v1=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def is_genuine(
    secret: str, timestamp: str, given: str, body: bytes, now_s: float, *, window_s: int = REPLAY_WINDOW_S
) -> bool:
    """Whether a notice was signed with ``secret``, at most ``window_s`` seconds before or after ``now_s``.
    ``timestamp`` and ``given`` are the headers as they came. Compares in constant time; nothing is genuine under an
    empty secret.
    """
    if not secret or not _DIGITS.fullmatch(timestamp):
        return False
    # The digits as they came are what was signed: a number may be written in several ways.
    signed = timestamp.encode() + b"." + body
    expected = "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    same = hmac.compare_digest(expected.encode(), given.encode())
    return same and abs(now_s - int(timestamp)) <= window_s
