"""What OSS writes as XML: lists of objects, uploads and parts; and the list of parts that it reads."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from providers.emulators.oss.bucket import Bucket, Stored
from providers.emulators.oss.errors import OssRefusalError, invalid_argument

_MAX_KEYS = 1000
_KNOWN = frozenset(
    {
        "list-type",
        "prefix",
        "delimiter",
        "continuation-token",
        "start-after",
        "fetch-owner",
        "max-keys",
        "encoding-type",
    }
)


def document(root: str, inner: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{inner}</{root}>\n'.encode()


def element(name: str, text: object) -> str:
    return f"<{name}>{escape(str(text))}</{name}>"


def instant(epoch_s: float) -> str:
    """As in OSS's lists."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def list_objects(bucket: Bucket, name: str, parameters: Mapping[str, str]) -> bytes:
    """GetBucket of version 2. Raises OssRefusalError."""
    if unknown := set(parameters) - _KNOWN:
        raise invalid_argument(f"{min(unknown)} is not known here.")
    if parameters.get("delimiter"):
        raise OssRefusalError(501, "NotImplemented", "This emulator lists without delimiter.")
    size = _size(parameters.get("max-keys", ""))
    token = parameters.get("continuation-token", "")
    after = _key_of(token) if token else parameters.get("start-after", "")
    found, more = bucket.page(parameters.get("prefix", ""), after, size)
    coded = parameters.get("encoding-type") == "url"

    def shown(text: str) -> str:
        return quote(text, safe="") if coded else text

    fields = [
        element("Name", name),
        element("Prefix", shown(parameters.get("prefix", ""))),
        element("MaxKeys", size),
        element("EncodingType", "url") if coded else "",
        element("KeyCount", len(found)),
        element("IsTruncated", str(more).lower()),
        element("NextContinuationToken", _token_of(found[-1].key)) if more else "",
        *(_entry(stored, shown(stored.key)) for stored in found),
    ]
    return document("ListBucketResult", "".join(fields))


def list_uploads(bucket: Bucket, name: str) -> bytes:
    """Every upload that is not completed; all on one page."""
    entries = (
        "<Upload>"
        + element("Key", upload.key)
        + element("UploadId", upload_id)
        + element("StorageClass", "Standard")
        + element("Initiated", instant(upload.begun_s))
        + "</Upload>"
        for upload_id, upload in sorted(bucket.uploads.items(), key=lambda item: (item[1].key, item[0]))
    )
    markers = element("NextKeyMarker", "") + element("NextUploadIdMarker", "")
    head = (
        element("Bucket", name) + markers + element("MaxUploads", _MAX_KEYS) + element("IsTruncated", "false")
    )
    return document("ListMultipartUploadsResult", head + "".join(entries))


def list_parts(bucket: Bucket, name: str, key: str, upload_id: str) -> bytes:
    """Every part of an upload; all on one page. Raises OssRefusalError."""
    parts = bucket.upload(key, upload_id).parts
    entries = (
        "<Part>"
        + element("PartNumber", number)
        + element("LastModified", instant(part.modified_s))
        + element("ETag", f'"{part.etag}"')
        + element("HashCrc64ecma", part.crc64)
        + element("Size", part.size_bytes)
        + "</Part>"
        for number, part in sorted(parts.items())
    )
    head = element("Bucket", name) + element("Key", key) + element("UploadId", upload_id)
    more = (
        element("NextPartNumberMarker", max(parts, default=0))
        + element("MaxParts", _MAX_KEYS)
        + element("IsTruncated", "false")
    )
    return document("ListPartsResult", head + more + "".join(entries))


def read_parts(body: bytes) -> list[tuple[int, str]]:
    """Number and ETag of the parts that are to be joined. Raises OssRefusalError (MalformedXML)."""
    try:
        root = ElementTree.fromstring(body)
        named = [
            (int(part.findtext("PartNumber", "")), part.findtext("ETag", "")) for part in root.findall("Part")
        ]
    except (ElementTree.ParseError, ValueError):
        named = []
        root = None
    if root is None or root.tag != "CompleteMultipartUpload" or not named:
        raise OssRefusalError(
            400,
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema.",
        )
    return named


def _entry(stored: Stored, key: str) -> str:
    return (
        "<Contents>"
        + element("Key", key)
        + element("LastModified", instant(stored.modified_s))
        + element("ETag", f'"{stored.etag}"')
        + element("Type", "Multipart" if "-" in stored.etag else "Normal")
        + element("Size", stored.size_bytes)
        + element("StorageClass", "Standard")
        + "</Contents>"
    )


def _size(text: str) -> int:
    if not text:
        return 100
    if not re.fullmatch(r"\d{1,5}", text) or not 1 <= int(text) <= _MAX_KEYS:
        raise invalid_argument("max-keys must lie between 1 and 1000.")
    return int(text)


def _token_of(key: str) -> str:
    return base64.b64encode(key.encode()).decode()


def _key_of(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except ValueError:
        raise invalid_argument("The continuation token is not of this bucket.") from None
