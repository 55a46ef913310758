"""DashScope's temporary storage: an upload policy, the form post to its host, and ``oss://`` addresses.

Source: Model Studio "Obtain the URL of a temporary file"; form fields as the ``dashscope`` SDK 2.0.2 sends them,
checked as OSS PostObject checks them. Names of the fields for life and size are unconfirmed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from providers.emulators.core.faults import Fault
from providers.emulators.core.http import Answer, Incoming
from providers.emulators.core.timing import Timing

UPLOAD_PATH = "/oss-temporary"
LIVES_S = 48 * 3600.0
_POLICY_LIVES_S = 300
_MAX_BYTES = 100 * 1024 * 1024
_BOUNDARY = re.compile(r'boundary="?([^";,]+)"?')
_NAME = re.compile(r'[; ]name="([^"]*)"')


@dataclass(frozen=True, slots=True)
class _Permit:
    account: str
    model: str
    folder: str
    expires_at_s: float


@dataclass(frozen=True, slots=True)
class _Kept:
    data: bytes
    account: str
    model: str
    expires_at_s: float


class Uploads:
    """Files for 48 vendor hours, each bound to the account and model that it was uploaded for."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._key_id = "LTAI-emulator"
        self._secret = secrets.token_bytes(16)
        self._permits: dict[str, _Permit] = {}
        self._files: dict[str, _Kept] = {}

    def policy(self, account: str, model: str, base_url: str) -> dict[str, Any]:
        """``data`` of the answer to getPolicy."""
        now_s = self._timing.now_s()
        day = datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%d")
        folder = f"dashscope-instant/{secrets.token_hex(16)}/{day}/{secrets.token_hex(16)}"
        expires = datetime.fromtimestamp(self._timing.wall_s() + _POLICY_LIVES_S, UTC)
        rules = {
            "expiration": expires.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "conditions": [
                ["content-length-range", 0, _MAX_BYTES],
                ["starts-with", "$key", folder],
                {"x-oss-object-acl": "private"},
                {"x-oss-forbid-overwrite": "true"},
            ],
        }
        policy = base64.b64encode(json.dumps(rules).encode()).decode()
        self._permits[policy] = _Permit(account, model, folder, now_s + _POLICY_LIVES_S)
        return {
            "policy": policy,
            "signature": self._sign(policy),
            "upload_dir": folder,
            "upload_host": f"{base_url}{UPLOAD_PATH}",
            "expire_in_seconds": _POLICY_LIVES_S,
            "max_file_size_mb": _MAX_BYTES // (1024 * 1024),
            "capacity_limit_mb": 999_999_999,
            "oss_access_key_id": self._key_id,
            "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
        }

    def receive(self, request: Incoming, fault: Fault | None = None) -> Answer:
        """The storage host's answer to a form post: 200 without a body, or OSS's XML.

        Of the vendors' faults the storage host knows AUTH and, for all others, being busy.
        """
        if fault is Fault.AUTH:
            return _xml(403, "AccessDenied", "You have no right to access this object.")
        if fault is not None:
            return _xml(503, "ServiceUnavailable", "Please reduce your request rate.")
        if request.method != "POST":
            return _xml(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
        form = read_form(request.headers.get("content-type", ""), request.body)
        if form is None or b"file" not in map(str.encode, form):
            return _xml(
                400, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart."
            )
        words = {name: value.decode("utf-8", "replace") for name, value in form.items() if name != "file"}
        permit = self._permits.get(words.get("policy", ""))
        if words.get("OSSAccessKeyId") != self._key_id or permit is None:
            return _xml(403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist.")
        if not hmac.compare_digest(words.get("Signature", "").encode(), self._sign(words["policy"]).encode()):
            return _xml(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")
        if self._timing.now_s() >= permit.expires_at_s:
            return _xml(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
        key = words.get("key", "")
        allowed = key.startswith(f"{permit.folder}/") and words.get("x-oss-object-acl") == "private"
        if not allowed or words.get("x-oss-forbid-overwrite") != "true":
            return _xml(403, "AccessDenied", "Invalid according to Policy: Policy Condition failed.")
        if key in self._files:
            return _xml(
                409,
                "FileAlreadyExists",
                "The object you specified already exists and can not be overwritten.",
            )
        self._files[key] = _Kept(form["file"], permit.account, permit.model, self._timing.now_s() + LIVES_S)
        status = 200 if words.get("success_action_status") == "200" else 204
        return Answer(status, b"", {"etag": f'"{hashlib.md5(form["file"]).hexdigest().upper()}"'})

    def read(self, address: str, account: str, model: str) -> bytes | None:
        """The file at an ``oss://`` address; None where it is gone, another account's or another model's."""
        kept = self._files.get(address.removeprefix("oss://"))
        if kept is None or (kept.account, kept.model) != (account, model):
            return None
        return kept.data if self._timing.now_s() < kept.expires_at_s else None

    def _sign(self, policy: str) -> str:
        return base64.b64encode(hmac.new(self._secret, policy.encode(), hashlib.sha1).digest()).decode()


def read_form(content_type: str, body: bytes) -> Mapping[str, bytes] | None:
    """The fields of a multipart form by name, None where it is not one. Fields after the file do not count."""
    found = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or found is None:
        return None
    fields: dict[str, bytes] = {}
    marker = b"--" + found[1].encode()
    pieces = (b"\r\n" + body).split(b"\r\n" + marker)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        return None
    for piece in pieces[1:-1]:
        head, gap, value = piece.partition(b"\r\n\r\n")
        name = _NAME.search(head.decode("utf-8", "replace").replace("\r\n", " "))
        if not gap or name is None:
            return None
        fields[name[1]] = value
        if name[1] == "file":
            break
    return fields


def _xml(status: int, code: str, message: str) -> Answer:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error>\n  <Code>{code}</Code>\n  <Message>{message}</Message>\n"
        f"  <RequestId>{secrets.token_hex(12).upper()}</RequestId>\n</Error>\n"
    )
    return Answer(status, text.encode(), {"content-type": "application/xml"})
