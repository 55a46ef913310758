"""Objects in a bucket of Aliyun OSS, through oss2 (written against 2.19.1).

oss2 repeats no read and no write; ``oss_calls`` does, where the refusal may pass. Every write carries the MD5 of its
bytes, every reply is compared with OSS's CRC-64, and the object keeps its SHA-256 in ``x-oss-meta-sha256``.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import oss2

from skuflow.storage.keys import checked, is_key, is_write_once
from skuflow.storage.objects import ObjectEntry, ObjectMissingError, StorageError, StoredObject
from skuflow.storage.oss_calls import Calls, GoneError, Patience, TakenError, of_oss, read_as_xml
from skuflow.storage.oss_errors import OSS_ERRORS, storage_error
from skuflow.storage.places import OssPlace, is_own_domain

MULTIPART_ABOVE_BYTES = 16 << 20
PART_BYTES = 8 << 20
MAX_URL_S = 7 * 24 * 3600
"""OSS takes no longer x-oss-expires (Alibaba Cloud help, EC 0002-00000232)."""

_MAX_PARTS = 10_000
_PAGE_KEYS = 1000
_SHA256_HEADER = "x-oss-meta-sha256"
_ONCE_HEADER = "x-oss-forbid-overwrite"

# At INFO and below oss2 logs headers with their signature and token; its errors are told here, in a sentence.
logging.getLogger("oss2").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class _Body:
    """What is to be stored; ``read(offset, size)`` gives a part of it."""

    size_bytes: int
    sha256: str
    read: Callable[[int, int], bytes]


class OssStore:
    """An ObjectStore in the bucket and below the prefix of ``place``. ``threads``: how many use it at the same time.

    Assets and photos (``is_write_once``) are never overwritten: another put of the same bytes succeeds, one of other
    bytes is refused. Everything else is overwritten. Objects that are no keys of ours, such as the empty ones that
    stand for folders in OSS's console, are not listed.

    Raises StorageError with one sentence; a bucket, key or region that is wrong is told by the first call.
    """

    def __init__(
        self,
        place: OssPlace,
        *,
        threads: int = 64,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.place = place
        self._calls = Calls(place, patience or Patience(), sleep)
        waits = self._calls.patience
        session = oss2.Session(pool_size=threads)
        # As for vendors: no proxy and no password file of the environment. OSS redirects no right address.
        session.session.trust_env = False
        session.session.max_redirects = 0
        credentials = oss2.credentials.StaticCredentialsProvider(
            place.access_key_id, place.access_key_secret, place.session_token
        )
        auth = oss2.ProviderAuthV4(credentials)

        def bucket(endpoint: str) -> oss2.Bucket:
            return oss2.Bucket(
                auth,
                endpoint,
                place.bucket,
                is_cname=is_own_domain(endpoint),
                session=session,
                connect_timeout=(waits.connect_s, waits.read_s),
                region=place.region,
            )

        self._bucket = bucket(place.endpoint)
        self._signer = bucket(place.public_endpoint)

    def put(self, key: str, data: bytes, media_type: str) -> StoredObject:
        body = _Body(
            len(data),
            hashlib.sha256(data).hexdigest(),
            lambda offset, size: data if size == len(data) else data[offset : offset + size],
        )
        return self._put(key, body, media_type)

    def put_file(self, key: str, path: Path, media_type: str) -> StoredObject:
        checked(key)
        try:
            body = _file_body(path)
            return self._put(key, body, media_type)
        except OSError as error:
            raise StorageError(
                f"cannot write {key} in {self.place.address}: {path} cannot be read ({error.strerror or error})"
            ) from error

    def get(self, key: str) -> bytes:
        name = self._name(key)

        def read() -> bytes:
            with of_oss(self._bucket.get_object(name)) as reply:
                data: bytes = reply.read()
                if reply.content_length is not None and reply.content_length != len(data):
                    raise oss2.exceptions.InconsistentError("shorter than announced", reply.request_id)
                oss2.utils.check_crc("get object", reply.client_crc, reply.server_crc, reply.request_id)
            return data

        return self._calls.make(f"read {key}", read, missing=key)

    def exists(self, key: str) -> bool:
        name = self._name(key)
        try:
            self._calls.make(
                f"look for {key}", lambda: of_oss(self._bucket.get_object_meta(name)), missing=key
            )
        except ObjectMissingError:
            return False
        return True

    def list(self, prefix: str) -> Iterator[str]:
        for entry in self.entries(prefix):
            yield entry.key

    def entries(self, prefix: str) -> Iterator[ObjectEntry]:
        after = ""
        while True:
            page = self._calls.make(f"list {prefix or 'everything'}", partial(self._page, prefix, after))
            for found in page.object_list:
                key = found.key.removeprefix(self.place.prefix)
                if is_key(key):
                    modified_at = datetime.fromtimestamp(found.last_modified, UTC)
                    yield ObjectEntry(key, found.size, found.etag, modified_at)
            if not page.is_truncated:
                return
            after = page.next_continuation_token

    def delete(self, key: str) -> None:
        name = self._name(key)
        self._calls.make(f"delete {key}", lambda: of_oss(self._bucket.delete_object(name)))

    def local_path(self, key: str) -> Path | None:
        """None: an object in OSS is no file."""
        checked(key)
        return None

    def url(self, key: str, valid_s: int = 3600) -> str:
        """A signed address on the public endpoint. Raises ObjectMissingError, and StorageError for more than 7 days.

        Where the settings hold a temporary key, the address ends with it.
        """
        name = self._name(key)
        if not 0 < valid_s <= MAX_URL_S:
            raise StorageError(
                f"an address of {key} cannot be valid for {valid_s} s: OSS signs for 1 to {MAX_URL_S} s"
            )
        if not self.exists(key):
            raise self._calls.missing(key)
        return str(self._signer.sign_url("GET", name, valid_s, slash_safe=True))

    def _page(self, prefix: str, after: str) -> oss2.models.ListObjectsV2Result:
        def ask() -> oss2.models.ListObjectsV2Result:
            return self._bucket.list_objects_v2(
                self.place.prefix + prefix, continuation_token=after, max_keys=_PAGE_KEYS
            )

        return read_as_xml(ask)

    def _name(self, key: str) -> str:
        return self.place.prefix + checked(key)

    def _put(self, key: str, body: _Body, media_type: str) -> StoredObject:
        name, stored = self._name(key), StoredObject(key, body.sha256, body.size_bytes, media_type)
        headers = {"Content-Type": media_type, _SHA256_HEADER: body.sha256}
        if is_write_once(key, body.sha256):
            headers[_ONCE_HEADER] = "true"
        try:
            if body.size_bytes > MULTIPART_ABOVE_BYTES:
                self._put_in_parts(key, name, body, headers)
            else:
                data = body.read(0, body.size_bytes)
                sent = {**headers, "Content-MD5": _md5(data)}
                self._calls.make(
                    f"write {key}", lambda: of_oss(self._bucket.put_object(name, data, headers=sent))
                )
        except TakenError as error:
            # The same bytes: our own write whose reply was lost, or somebody else's of the same result.
            if not self._holds(key, body):
                raise StorageError(
                    f"cannot write {key} in {self.place.address}: other bytes stand there, and what a key names by its"
                    " digest is never overwritten; delete the object if it is not wanted"
                ) from error
        return stored

    def _put_in_parts(self, key: str, name: str, body: _Body, headers: dict[str, str]) -> None:
        doing = f"write {key}"
        begun = self._calls.make(
            doing, lambda: read_as_xml(lambda: self._bucket.init_multipart_upload(name, headers=headers))
        )
        upload_id: str = begun.upload_id
        finish = {_ONCE_HEADER: "true"} if _ONCE_HEADER in headers else {}
        try:
            parts = self._upload_parts(key, name, body, upload_id)
            self._calls.make(
                doing,
                lambda: of_oss(
                    self._bucket.complete_multipart_upload(name, upload_id, parts, headers=finish)
                ),
            )
        except GoneError as error:
            # Completed before, and the reply was lost: a completed upload is unknown from then on.
            if not self._holds(key, body):
                raise storage_error(error.cause, self.place, doing) from error
        except BaseException:
            self._abort(name, upload_id)
            raise

    def _upload_parts(
        self, key: str, name: str, body: _Body, upload_id: str
    ) -> Sequence[oss2.models.PartInfo]:
        part_bytes = max(PART_BYTES, -(-body.size_bytes // _MAX_PARTS))
        digest, parts = hashlib.sha256(), []
        for number, offset in enumerate(range(0, body.size_bytes, part_bytes), start=1):
            data = body.read(offset, min(part_bytes, body.size_bytes - offset))
            digest.update(data)
            sent = {"Content-MD5": _md5(data)}
            send = partial(self._bucket.upload_part, name, upload_id, number, data, headers=sent)
            done = self._calls.make(f"write {key}", lambda send=send: of_oss(send()))  # type: ignore[misc]
            parts.append(oss2.models.PartInfo(number, done.etag, size=len(data), part_crc=done.crc))
        if digest.hexdigest() != body.sha256:
            raise StorageError(
                f"cannot write {key} in {self.place.address}: the file changed while it was read"
            )
        return parts

    def _abort(self, name: str, upload_id: str) -> None:
        """Let go of the parts. Where that fails too, the bucket's lifecycle rule removes them."""
        try:
            self._bucket.abort_multipart_upload(name, upload_id)
        except OSS_ERRORS:
            return

    def _holds(self, key: str, body: _Body) -> bool:
        name = self._name(key)
        try:
            there = self._calls.make(
                f"look at {key}", lambda: of_oss(self._bucket.head_object(name)), missing=key
            )
        except ObjectMissingError:
            return False
        if there.content_length != body.size_bytes:
            return False
        if kept := there.headers.get(_SHA256_HEADER):
            return bool(kept == body.sha256)
        # Put there by others, without our header.
        return hashlib.sha256(self.get(key)).hexdigest() == body.sha256


def _file_body(path: Path) -> _Body:
    size_bytes = path.stat().st_size
    if size_bytes <= MULTIPART_ABOVE_BYTES:
        data = path.read_bytes()
        return _Body(
            len(data), hashlib.sha256(data).hexdigest(), lambda offset, size: data[offset : offset + size]
        )

    def read(offset: int, size: int) -> bytes:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return _Body(size_bytes, digest.hexdigest(), read)


def _md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
