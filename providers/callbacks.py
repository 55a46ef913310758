"""Callbacks of vendors, read and checked. A callback is a doorbell: it says that a job is worth asking after, and
nothing that it says about the job is believed.

Kling (callbacks page): a task as queries show it, without the envelope, signed once a secret exists in its console.
MiniMax (video generation page): first a challenge, which must be echoed within 3 s, then statuses; not signed.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

MAX_CLOCK_SKEW_S = 300.0
_MAX_ID_CHARS = 200
_MAX_CHALLENGE_CHARS = 4096
_EPOCH_S = re.compile(r"[0-9]{1,12}")


class CallbackRefusedError(Exception):
    """What arrived is no callback of the vendor; the message says why and carries nothing of it."""


class UnsignedCallbackError(CallbackRefusedError):
    """Nobody knows who sent it."""


@dataclass(frozen=True, slots=True)
class Callback:
    """Whose job, by the vendor's id; ``external_id`` is ours where the vendor repeats it. ``state_word`` is the
    vendor's, in lower case, for the log only.
    """

    provider: str
    job_id: str
    external_id: str = ""
    state_word: str = ""


@dataclass(frozen=True, slots=True)
class Challenge:
    """MiniMax wants to know whether anybody is there."""

    value: str

    def answer(self) -> dict[str, str]:
        """The JSON object to answer with, HTTP 200, within 3 s."""
        return {"challenge": self.value}


def read_kling(body: bytes, headers: Mapping[str, str], *, secret: str, now_s: float) -> Callback:
    """A callback of Kling, in the shape of either generation. ``secret``: KLING_WEBHOOK_SECRET, empty: signatures are
    not asked for. ``now_s``: epoch seconds.

    Raises UnsignedCallbackError for one that is not signed with the secret, or more than five minutes ago or ahead;
    CallbackRefusedError for one that names no job.
    """
    if secret:
        verify_signature(body, headers, secret=secret, now_s=now_s)
    value = _object(body)
    info = value.get("task_info")
    known_as = info.get("external_task_id") if isinstance(info, dict) else value.get("external_id")
    return Callback(
        "kling",
        _id(value.get("task_id") or value.get("id")),
        _word(known_as),
        _word(value.get("task_status") or value.get("status")).lower(),
    )


def read_hailuo(body: bytes) -> Callback | Challenge:
    """A callback of MiniMax. v1 says ``task_id`` and ``status``; v2's shape is not documented: the same, or the query's
    ``task`` object, is taken.

    Raises CallbackRefusedError.
    """
    value = _object(body)
    challenge = value.get("challenge")
    if isinstance(challenge, str) and challenge:
        if len(challenge) > _MAX_CHALLENGE_CHARS:
            raise CallbackRefusedError("the challenge is too long")
        return Challenge(challenge)
    task = value.get("task")
    task = task if isinstance(task, dict) else value
    job_id = task.get("task_id") or task.get("id")
    return Callback("hailuo", _id(job_id), state_word=_word(task.get("status")).lower())


def verify_signature(body: bytes, headers: Mapping[str, str], *, secret: str, now_s: float) -> None:
    """Check a signature of the "Standard Webhooks" scheme; of several (a secret is being replaced), one must match.

    Raises UnsignedCallbackError where none does, or where it was made more than five minutes ago or ahead. Raises
    ValueError for a ``secret`` that is none.
    """
    key = _key(secret)
    given = {name.lower(): value for name, value in headers.items()}
    message_id, made_at = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    marks = given.get("webhook-signature", "").split()
    if not (message_id and made_at and marks):
        raise UnsignedCallbackError("the callback is not signed, and KLING_WEBHOOK_SECRET is set")
    if _EPOCH_S.fullmatch(made_at) is None or abs(now_s - int(made_at)) > MAX_CLOCK_SKEW_S:
        raise UnsignedCallbackError("the callback was signed at another time; check this machine's clock")
    expected = hmac.digest(key, f"{message_id}.{made_at}.".encode() + body, sha256)
    if not any(_is_mark_of(expected, mark) for mark in marks):
        raise UnsignedCallbackError("the callback's signature does not match KLING_WEBHOOK_SECRET")


def _is_mark_of(expected: bytes, mark: str) -> bool:
    version, _, signature = mark.partition(",")
    try:
        found = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    return version == "v1" and hmac.compare_digest(expected, found)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("KLING_WEBHOOK_SECRET is not whsec_ and base64") from error
    if not key:
        raise ValueError("KLING_WEBHOOK_SECRET is empty behind whsec_")
    return key


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise CallbackRefusedError("the callback is no JSON object")
    return value


def _id(value: object) -> str:
    job_id = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not job_id or len(job_id) > _MAX_ID_CHARS:
        raise CallbackRefusedError("the callback names no job")
    return job_id


def _word(value: object) -> str:
    return value[:_MAX_ID_CHARS] if isinstance(value, str) else ""
