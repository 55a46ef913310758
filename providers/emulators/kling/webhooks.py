"""The signature of Kling's callbacks (Kling: callbacks page; the scheme of "Standard Webhooks")."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence


def signed_headers(secrets: Sequence[str], message_id: str, wall_s: float, body: bytes) -> dict[str, str]:
    """The headers that prove ``body``: one signature for each secret ("whsec_..."), two while one is replaced.

    No headers without a secret: Kling signs only once a secret was made in its console.
    """
    if not secrets:
        return {}
    at_s = str(int(wall_s))
    content = f"{message_id}.{at_s}.".encode() + body
    marks = [_mark(secret, content) for secret in secrets]
    return {"webhook-id": message_id, "webhook-timestamp": at_s, "webhook-signature": " ".join(marks)}


def _mark(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
