"""The vendor's file store: signed links that expire, and downloads that go wrong."""

from __future__ import annotations

import hashlib
import hmac
import random
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from providers.emulators.core.faults import Fault
from providers.emulators.core.http import Answer, Incoming
from providers.emulators.core.timing import Timing

PREFIX = "/files/"
GIANT_BYTES = 3 * 1024**3
_INTACT_BYTES = 32


@dataclass(frozen=True, slots=True)
class _Stored:
    name: str
    media_type: str
    digest: str
    expires_at_s: float


class FileShelf:
    """Files under ``base_url`` + "/files/<token>/<name>?Expires=..&Signature=..".

    Equal contents are kept once, in a temporary folder that goes with the shelf. ``giant_bytes`` is how much the fault
    GIANT sends after the file.
    """

    def __init__(self, timing: Timing, giant_bytes: int = GIANT_BYTES) -> None:
        self.base_url = ""
        self.giant_bytes = giant_bytes
        self._timing = timing
        self._secret = secrets.token_bytes(16)
        self._files: dict[str, _Stored] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def put(
        self, data: bytes, media_type: str, lives_s: float, *, name: str = "", from_s: float | None = None
    ) -> str:
        """Keep ``data``; its link works for ``lives_s`` vendor seconds from ``from_s`` (default: now)."""
        token = secrets.token_hex(12)
        name = name or f"result.{_SUFFIXES.get(media_type, 'bin')}"
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        if not path.exists():
            path.write_bytes(data)
        begins_s = self._timing.now_s() if from_s is None else from_s
        stored = _Stored(name, media_type, digest, begins_s + lives_s)
        self._files[token] = stored
        return f"{self.base_url}{PREFIX}{token}/{name}?{self._query(token, stored)}"

    def serve(self, request: Incoming, fault: Fault | None = None) -> Answer:
        """The file, or what the store says instead: 403 XML for a link that is unsigned, altered or expired."""
        if request.method not in ("GET", "HEAD"):
            return _refusal(
                405, "MethodNotAllowed", "The specified method is not allowed against this resource."
            )
        token, _, name = request.path.removeprefix(PREFIX).partition("/")
        stored = self._files.get(token)
        if stored is None or name != stored.name:
            return _refusal(404, "NoSuchKey", "The specified key does not exist.")
        if request.target.partition("?")[2] != self._query(token, stored):
            return _refusal(403, "SignatureDoesNotMatch", "The request signature does not match.")
        if fault is Fault.EXPIRED:
            # What has expired once stays so.
            self._files[token] = stored = _Stored(stored.name, stored.media_type, stored.digest, 0.0)
            return _refusal(403, "AccessDenied", "Request has expired.")
        if self._timing.now_s() >= stored.expires_at_s:
            return _refusal(403, "AccessDenied", "Request has expired.")
        return self._download(self._path(stored.digest).read_bytes(), stored, fault)

    def close(self) -> None:
        """Drop every file."""
        self._files.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _download(self, data: bytes, stored: _Stored, fault: Fault | None) -> Answer:
        headers = {"content-type": stored.media_type}
        if fault is Fault.TRUNCATED:
            return Answer(200, data, headers, cut_after_bytes=len(data) // 2)
        if fault is Fault.CORRUPT:
            noise = random.Random(stored.digest).randbytes(max(0, len(data) - _INTACT_BYTES))
            return Answer(200, data[:_INTACT_BYTES] + noise, headers)
        if fault is Fault.GIANT:
            return Answer(200, data, headers, padding_bytes=self.giant_bytes)
        return Answer(200, data, headers)

    def _query(self, token: str, stored: _Stored) -> str:
        text = f"{token}/{stored.name}/{stored.expires_at_s}"
        signature = hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()[:40]
        return f"Expires={int(stored.expires_at_s)}&Signature={signature}"

    def _path(self, digest: str) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="skuflow-emulator-", ignore_cleanup_errors=True)
        return Path(self._folder.name) / digest


_SUFFIXES = {"video/mp4": "mp4", "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


def _refusal(status: int, code: str, message: str) -> Answer:
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>\n"
    )
    return Answer(status, xml.encode(), {"content-type": "application/xml"})
