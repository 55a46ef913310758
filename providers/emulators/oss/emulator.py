"""A server that behaves as Aliyun OSS does for one bucket or several, addressed by path.

Sources: Alibaba Cloud help (PutObject, GetObject, HeadObject, GetObjectMeta, DeleteObject, ListObjectsV2, the multipart
operations, error codes), and the requests of oss2 2.19.1 as observed. What it does not know it refuses as
NotImplemented, so that nothing is believed to work that was never there.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from pathlib import Path
from typing import ClassVar

from providers.emulators.core.emulator import Emulator
from providers.emulators.core.faults import Fault, FaultScript
from providers.emulators.core.http import Answer, Incoming
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from providers.emulators.oss import listing
from providers.emulators.oss.bucket import Bucket, Stored, content_md5
from providers.emulators.oss.errors import OssRefusalError, denied, invalid_argument, no_such_bucket
from providers.emulators.oss.events import ObjectEvent, Shape, message_of
from providers.emulators.oss.ranges import part_of
from providers.emulators.oss.signature import Account, query_of, verify

_KEPT_HEADERS = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
)
_ONCE = "x-oss-forbid-overwrite"
_SIGNATURE_PARAMETERS = frozenset(
    {
        "x-oss-signature-version",
        "x-oss-credential",
        "x-oss-date",
        "x-oss-expires",
        "x-oss-signature",
        "x-oss-additional-headers",
        "x-oss-security-token",
    }
)
_ACTIONS = {
    "put": "PutObject",
    "initiate": "PutObject",
    "part": "PutObject",
    "complete": "PutObject",
    "abort": "AbortMultipartUpload",
    "get": "GetObject",
    "fetch": "GetObject",
    "head": "GetObject",
    "delete": "DeleteObject",
    "list": "ListObjects",
    "uploads": "ListMultipartUploads",
    "parts": "ListParts",
}
_RESENDS = 3
_RESEND_AFTER_S = 10.0
_LATE_S = 30.0


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who is told of new objects below ``prefix``: a POST in ``shape`` to ``url`` with ``headers``."""

    url: str
    shape: Shape = Shape.FUNCTION
    prefix: str = "incoming/"
    headers: Mapping[str, str] | None = None


class OssEmulator(Emulator):
    """Aliyun OSS, as far as a shop's storage goes. Places of faults: put, initiate, part, complete, abort, get, fetch
    (a get by a signed address), head, delete, list, uploads, parts; and event, where DUPLICATE_CALLBACK and
    LATE_CALLBACK are heard.

    ``accounts``: who may do everything but what ``forbidden`` names (RAM actions such as ``PutObject``).
    ``receiver``: may be set at any time; who gets events. ``prefix``: of the storage in ``environment``. ``folder``:
    where objects stay when the emulator ends; else they end with it.
    """

    name: ClassVar[str] = "oss"

    def __init__(
        self,
        *,
        timing: Timing | None = None,
        media: Media | None = None,
        faults: FaultScript | None = None,
        buckets: Collection[str] = ("skuflow-rehearsal",),
        region: str = "cn-hangzhou",
        accounts: Mapping[str, Account] | None = None,
        forbidden: Collection[str] = (),
        receiver: Receiver | None = None,
        prefix: str = "shop",
        folder: Path | None = None,
    ) -> None:
        super().__init__(timing=timing, media=media, faults=faults)
        self.region = region
        self.accounts = dict(accounts or {"OSSEMULATORKEY": Account("oss-emulator-secret")})
        self.forbidden = set(forbidden)
        self.receiver = receiver
        self.buckets = {
            name: Bucket(self.time.wall_s, None if folder is None else folder / name) for name in buckets
        }
        self._prefix = prefix

    @property
    def bucket(self) -> Bucket:
        """The first one."""
        return next(iter(self.buckets.values()))

    def environment(self, base_url: str) -> dict[str, str]:
        key_id, account = next(iter(self.accounts.items()))
        variables = {
            "OSS_ACCESS_KEY_ID": key_id,
            "OSS_ACCESS_KEY_SECRET": account.secret,
            "OSS_ENDPOINT": base_url,
            "OSS_REGION": self.region,
            "SKUFLOW_STORAGE": f"oss://{next(iter(self.buckets))}/{self._prefix}".rstrip("/"),
        }
        return variables | ({"OSS_SESSION_TOKEN": account.token} if account.token else {})

    def place(self, request: Incoming) -> str:
        parameters = query_of(request)
        match request.method:
            case "PUT":
                return "part" if "uploadId" in parameters else "put"
            case "POST":
                return "initiate" if "uploads" in parameters else "complete"
            case "DELETE":
                return "abort" if "uploadId" in parameters else "delete"
            case "HEAD":
                return "head"
            case "GET" if "uploads" in parameters:
                return "uploads"
            case "GET" if "uploadId" in parameters:
                return "parts"
            case "GET" if _names(request)[1]:
                return "fetch" if "x-oss-signature" in parameters else "get"
            case "GET":
                return "list"
        return "other"

    async def answer(self, request: Incoming) -> Answer:
        own = {"server": "AliyunOSS", "x-oss-request-id": secrets.token_hex(12).upper()}
        try:
            self._refuse_as_scripted(request)
            verify(request, self.accounts, self.region, self.time.wall_s())
            reply = self._route(request, own)
        except OssRefusalError as refusal:
            return refusal.answer(request.method, request.headers.get("host", ""), own)
        return replace(reply, headers={**own, **reply.headers})

    async def close(self) -> None:
        await super().close()
        for bucket in self.buckets.values():
            bucket.close()

    def _refuse_as_scripted(self, request: Incoming) -> None:
        match request.fault:
            case None | Fault.TRUNCATED | Fault.CORRUPT:
                return
            case Fault.THROTTLE:
                raise OssRefusalError(503, "QpsLimitExceeded", "Qps Limit Exceeded")
            case Fault.SERVER_BUSY:
                raise OssRefusalError(
                    500, "InternalError", "We encountered an internal error. Please try again."
                )
            case Fault.ARREARS:
                raise OssRefusalError(403, "UserDisable", "UserDisable", "0003-00000801")
            case Fault.AUTH:
                raise denied()
            case Fault.EXPIRED:
                raise denied("Request has expired.")
            case fault:
                raise ValueError(f"OSS does not know the fault {fault}")

    def _route(self, request: Incoming, own: Mapping[str, str]) -> Answer:
        place = self.place(request)
        if _ACTIONS.get(place) in self.forbidden:
            raise denied("You have no right to access this object because of the RAM policy.")
        name, key = _names(request)
        bucket = self.buckets.get(name)
        if bucket is None:
            raise no_such_bucket(name)
        parameters = {n: v for n, v in query_of(request).items() if n not in _SIGNATURE_PARAMETERS}
        match place:
            case "list" if parameters.get("list-type") == "2":
                return _xml(listing.list_objects(bucket, name, parameters))
            case "uploads" if not key:
                return _xml(listing.list_uploads(bucket, name))
            case "parts":
                return _xml(listing.list_parts(bucket, name, key, parameters["uploadId"]))
            case "get" | "fetch" if not parameters:
                return _download(bucket, bucket.get(key), request)
            case "head" if not set(parameters) - {"objectMeta"}:
                stored = bucket.get(key)
                return Answer(
                    200, bucket.data(stored), _headers(stored, whole="objectMeta" not in parameters)
                )
            case "delete" if key and not parameters:
                bucket.delete(key)
                return Answer(204)
            case "abort":
                bucket.abort(key, parameters["uploadId"])
                return Answer(204)
            case "put" | "initiate" | "part" | "complete":
                return self._write(place, request, (name, bucket, key), parameters, own)
        raise OssRefusalError(501, "NotImplemented", f"This emulator has no {request.method} of that kind.")

    def _write(
        self,
        place: str,
        request: Incoming,
        target: tuple[str, Bucket, str],
        parameters: Mapping[str, str],
        own: Mapping[str, str],
    ) -> Answer:
        name, bucket, key = target
        once = _is_once(request.headers)
        body = _received(request)
        match place:
            case "put" if not parameters:
                stored = bucket.put(key, body, _kept(request.headers), once)
                self._tell("PutObject", name, stored, own)
                return Answer(200, b"", _receipt(stored))
            case "initiate":
                upload_id = bucket.initiate(key, _kept(request.headers), once)
                fields = (("Bucket", name), ("Key", key), ("UploadId", upload_id))
                inner = "".join(listing.element(*field) for field in fields)
                return _xml(listing.document("InitiateMultipartUploadResult", inner))
            case "part" if parameters.get("partNumber", "").isdecimal():
                part = bucket.put_part(key, parameters["uploadId"], int(parameters["partNumber"]), body)
                return Answer(200, b"", _receipt(part))
            case "complete" if "uploadId" in parameters:
                named = listing.read_parts(body)
                stored = bucket.complete(key, parameters["uploadId"], named, once)
                self._tell("CompleteMultipartUpload", name, stored, own)
                fields = (("Bucket", name), ("Key", key), ("ETag", f'"{stored.etag}"'))
                inner = "".join(listing.element(*field) for field in fields)
                done = _xml(listing.document("CompleteMultipartUploadResult", inner))
                return replace(done, headers={**done.headers, **_receipt(stored)})
        raise invalid_argument("The parameters of this operation are not known.")

    def _tell(self, operation: str, bucket: str, stored: Stored, own: Mapping[str, str]) -> None:
        receiver = self.receiver
        if receiver is None or not stored.key.startswith(receiver.prefix):
            return
        event = ObjectEvent(
            name=f"ObjectCreated:{operation}",
            bucket=bucket,
            key=stored.key,
            etag=stored.etag,
            size_bytes=stored.size_bytes,
            region=self.region,
            request_id=own["x-oss-request-id"],
            at_s=stored.modified_s,
        )
        fault = self.faults.take("event")
        for _ in range(2 if fault is Fault.DUPLICATE_CALLBACK else 1):
            delay_s = _LATE_S if fault is Fault.LATE_CALLBACK else 0.0
            self.callbacks.later(delay_s, lambda: self._deliver(receiver, event))

    async def _deliver(self, receiver: Receiver, event: ObjectEvent) -> None:
        message = message_of(event, receiver.shape)
        headers = {**(receiver.headers or {}), "content-type": message.content_type}
        for attempt in range(1 + _RESENDS):
            if attempt:
                await self.time.sleep(_RESEND_AFTER_S)
            delivery = await self.callbacks.post(receiver.url, message.body, headers)
            if 200 <= delivery.status < 300:
                return


def _names(request: Incoming) -> tuple[str, str]:
    """Bucket and key."""
    bucket, _, key = request.path.removeprefix("/").partition("/")
    return bucket, key


def _is_once(headers: Mapping[str, str]) -> bool:
    value = headers.get(_ONCE, "false")
    if value not in ("true", "false"):
        raise invalid_argument("x-oss-forbid-overwrite must be true or false.")
    return value == "true"


def _received(request: Incoming) -> bytes:
    """The body as it arrived; the fault CORRUPT changes a bit on the way. Raises OssRefusalError (InvalidDigest)."""
    body = request.body
    if request.fault is Fault.CORRUPT and body:
        body = bytes([body[0] ^ 1]) + body[1:]
    if request.fault is Fault.TRUNCATED:
        body = body[: len(body) // 2]
    claimed = request.headers.get("content-md5")
    if claimed is not None and claimed != content_md5(body):
        raise OssRefusalError(
            400, "InvalidDigest", "The Content-MD5 you specified was invalid.", "0017-00000101"
        )
    return body


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name in _KEPT_HEADERS or name.startswith("x-oss-meta-")
    }


def _receipt(stored: Stored) -> dict[str, str]:
    return {"etag": f'"{stored.etag}"', "x-oss-hash-crc64ecma": str(stored.crc64)}


def _headers(stored: Stored, whole: bool) -> dict[str, str]:
    brief = {**_receipt(stored), "last-modified": formatdate(stored.modified_s, usegmt=True)}
    if not whole:
        return brief
    more = {"x-oss-object-type": "Multipart" if "-" in stored.etag else "Normal", "accept-ranges": "bytes"}
    return {"content-type": "application/octet-stream", **brief, **more, **stored.headers}


def _download(bucket: Bucket, stored: Stored, request: Incoming) -> Answer:
    data, headers = bucket.data(stored), _headers(stored, whole=True)
    status = 200
    found = part_of(request.headers.get("range", ""), len(data))
    if found is not None:
        status, headers["content-range"] = 206, f"bytes {found[0]}-{found[1]}/{len(data)}"
        data = data[found[0] : found[1] + 1]
    if request.fault is Fault.TRUNCATED:
        return Answer(status, data, headers, cut_after_bytes=len(data) // 2)
    if request.fault is Fault.CORRUPT and data:
        data = data[:-1] + bytes([data[-1] ^ 1])
    return Answer(status, data, headers)


def _xml(body: bytes) -> Answer:
    return Answer(200, body, {"content-type": "application/xml"})
