"""Objects and multipart uploads of a bucket, on disk: in a temporary folder that goes with it, or in one that stays."""

from __future__ import annotations

import base64
import bisect
import functools
import hashlib
import json
import secrets
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from providers.emulators.oss.errors import (
    OssRefusalError,
    already_exists,
    invalid_argument,
    no_such_key,
    no_such_upload,
)

MIN_PART_BYTES = 100 * 1024
MAX_PARTS = 10_000
MAX_KEY_BYTES = 1023


@dataclass(frozen=True, slots=True)
class Stored:
    """An object. ``etag`` is as OSS makes it: the MD5 in capitals, after a multipart upload with ``-N``."""

    key: str
    digest: str
    size_bytes: int
    etag: str
    crc64: int
    headers: Mapping[str, str]
    modified_s: float


@dataclass(slots=True)
class Upload:
    """A multipart upload that is not completed yet; parts by number."""

    key: str
    headers: Mapping[str, str]
    begun_s: float
    parts: dict[int, Stored] = field(default_factory=dict)


@functools.cache
def _crc64_function() -> Callable[..., int]:
    import crcmod

    # CRC-64/XZ, which OSS calls ECMA-182; crcmod wants the start value with the final XOR applied, which is 0.
    made: Callable[..., int] = crcmod.mkCrcFun(0x142F0E1EBA9EA3693, initCrc=0, rev=True, xorOut=(1 << 64) - 1)
    return made


def crc64(data: bytes, before: int = 0) -> int:
    """The checksum of ``data``; ``before``: that of the bytes in front of it."""
    return _crc64_function()(data, before)


class Bucket:
    """One bucket. ``now_s``: the clock of its dates, epoch seconds. ``folder``: where its objects stay beyond its life,
    and where those of an earlier one are found; uploads do not. May be read from other threads.
    """

    def __init__(self, now_s: Callable[[], float], folder: Path | None = None) -> None:
        self.uploads: dict[str, Upload] = {}
        self._objects: dict[str, Stored] = {}
        self._now_s = now_s
        self._lock = threading.RLock()
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="skuflow-oss-", ignore_cleanup_errors=True)
            folder = Path(self._temporary.name)
        self._folder = folder
        self._index = folder / "index"
        self._index.mkdir(parents=True, exist_ok=True)
        for entry in self._index.glob("*.json"):
            stored = Stored(**json.loads(entry.read_bytes()))
            self._objects[stored.key] = stored
        self._keys = sorted(self._objects)

    @property
    def keys(self) -> tuple[str, ...]:
        """In OSS's order, that of UTF-8."""
        with self._lock:
            return tuple(self._keys)

    def get(self, key: str) -> Stored:
        """Raises OssRefusalError (NoSuchKey)."""
        with self._lock:
            stored = self._objects.get(key)
        if stored is None:
            raise no_such_key(key)
        return stored

    def data(self, stored: Stored) -> bytes:
        return self._path(stored.digest).read_bytes()

    def put(self, key: str, data: bytes, headers: Mapping[str, str], once: bool = False) -> Stored:
        """Raises OssRefusalError for a key that is none, and with ``once`` where there is an object."""
        self.require_free(key, once)
        return self._keep(self._stored(key, data, headers))

    def require_free(self, key: str, once: bool) -> None:
        """Raises OssRefusalError."""
        _check_key(key)
        if once and key in self._objects:
            raise already_exists()

    def delete(self, key: str) -> None:
        with self._lock:
            if self._objects.pop(key, None) is not None:
                self._keys.remove(key)
                self._entry(key).unlink(missing_ok=True)

    def page(self, prefix: str, after: str, size: int) -> tuple[list[Stored], bool]:
        """Up to ``size`` objects below a prefix and behind a key, and whether there are more."""
        with self._lock:
            begin = max(
                bisect.bisect_left(self._keys, prefix), bisect.bisect_right(self._keys, after) if after else 0
            )
            found: list[Stored] = []
            for key in self._keys[begin:]:
                if not key.startswith(prefix):
                    break
                if len(found) == size:
                    return found, True
                found.append(self._objects[key])
        return found, False

    def initiate(self, key: str, headers: Mapping[str, str], once: bool) -> str:
        """The upload id. Raises OssRefusalError."""
        self.require_free(key, once)
        upload_id = secrets.token_hex(16).upper()
        self.uploads[upload_id] = Upload(key, headers, self._now_s())
        return upload_id

    def put_part(self, key: str, upload_id: str, number: int, data: bytes) -> Stored:
        """Raises OssRefusalError."""
        upload = self.upload(key, upload_id)
        if not 1 <= number <= MAX_PARTS:
            raise invalid_argument("Part number must be an integer between 1 and 10000, inclusive.")
        upload.parts[number] = part = self._stored(key, data, {})
        return part

    def complete(self, key: str, upload_id: str, named: Sequence[tuple[int, str]], once: bool) -> Stored:
        """``named``: number and ETag of every part, in order. Raises OssRefusalError."""
        upload = self.upload(key, upload_id)
        self.require_free(key, once)
        if not named or [number for number, _ in named] != sorted({number for number, _ in named}):
            raise OssRefusalError(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
        for position, (number, etag) in enumerate(named, start=1):
            part = upload.parts.get(number)
            if part is None or part.etag != etag.strip('"').upper():
                raise OssRefusalError(
                    400,
                    "InvalidPart",
                    "One or more of the specified parts could not be found or the specified entity tag might not have "
                    "matched the part's entity tag.",
                )
            if part.size_bytes < MIN_PART_BYTES and position < len(named):
                raise OssRefusalError(
                    400, "EntityTooSmall", "Your proposed upload smaller than the minimum allowed size."
                )
        parts = [upload.parts[number] for number, _ in named]
        whole = b"".join(self.data(part) for part in parts)
        tags = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False)
        del self.uploads[upload_id]
        return self._keep(
            self._stored(key, whole, upload.headers, f"{tags.hexdigest().upper()}-{len(parts)}")
        )

    def upload(self, key: str, upload_id: str) -> Upload:
        """Raises OssRefusalError (NoSuchUpload)."""
        upload = self.uploads.get(upload_id)
        if upload is None or upload.key != key:
            raise no_such_upload(upload_id)
        return upload

    def abort(self, key: str, upload_id: str) -> None:
        """Raises OssRefusalError (NoSuchUpload)."""
        self.upload(key, upload_id)
        del self.uploads[upload_id]

    def close(self) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()

    def _stored(self, key: str, data: bytes, headers: Mapping[str, str], etag: str = "") -> Stored:
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        if not path.exists():
            part = path.with_name(f"{digest}.part")
            part.write_bytes(data)
            part.replace(path)
        etag = etag or hashlib.md5(data, usedforsecurity=False).hexdigest().upper()
        return Stored(key, digest, len(data), etag, crc64(data), headers, self._now_s())

    def _keep(self, stored: Stored) -> Stored:
        with self._lock:
            if stored.key not in self._objects:
                bisect.insort(self._keys, stored.key)
            self._objects[stored.key] = stored
            part = self._entry(stored.key).with_suffix(".part")
            part.write_text(json.dumps(asdict(stored)), encoding="utf-8")
            part.replace(self._entry(stored.key))
        return stored

    def _path(self, digest: str) -> Path:
        return self._folder / digest

    def _entry(self, key: str) -> Path:
        return self._index / f"{hashlib.sha256(key.encode()).hexdigest()}.json"


def content_md5(data: bytes) -> str:
    """As in the header of that name."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def _check_key(key: str) -> None:
    if not key or len(key.encode()) > MAX_KEY_BYTES or key[0] in "/\\":
        raise OssRefusalError(400, "InvalidObjectName", "The specified object is not valid.", ObjectName=key)
