"""What a storage event looks like on its way from OSS: in MNS's, Function Compute's and EventBridge's wrapping.

Sources: Aliyun help "OSS events" of EventBridge (CloudEvents 1.0, ``data.oss.object.key``); the event of Function
Compute's OSS trigger, which MNS topics carry base64-encoded; MNS "NotifyContentFormat" (XML, JSON, SIMPLIFIED).
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_EVENTS = 1000
"""More in one request than any of the senders puts there."""
_WRAPPINGS = 4
_CREATED = "ObjectCreated:"
_KNOWN = frozenset({"PutObject", "PostObject", "CopyObject", "CompleteMultipartUpload", "AppendObject"})
# Of an upload that is not finished yet.
_PARTS = frozenset({"InitiateMultipartUpload", "UploadPart", "UploadPartCopy"})

_log = logging.getLogger(__name__)


class EventShapeError(ValueError):
    """A body that is no storage event; one line for its sender."""


@dataclass(frozen=True, slots=True)
class CreatedObject:
    """An object that an event says was created. ``key`` is as the event spells it, which may be URL-encoded. ``etag``
    is empty where the event names none: what stands under the key, the bucket's listing says.
    """

    bucket: str
    key: str
    etag: str


@dataclass(frozen=True, slots=True)
class Received:
    """What a body holds. ``ignored`` counts events that are not about finished objects."""

    created: tuple[CreatedObject, ...]
    ignored: int


def read_events(body: bytes) -> Received:
    """The events of a request, whatever its wrapping. Raises EventShapeError."""
    records = list(_records(_unwrapped(body)))
    if not records:
        raise EventShapeError("no storage events in it")
    if len(records) > MAX_EVENTS:
        raise EventShapeError(f"more than {MAX_EVENTS} events in one request")
    created = tuple(found for record in records if (found := _created(record)) is not None)
    return Received(created, len(records) - len(created))


def _unwrapped(body: bytes) -> Any:
    """The JSON within, through base64, MNS's XML and MNS's JSON."""
    content = body
    if not content.strip():
        raise EventShapeError("an empty body")
    for _ in range(_WRAPPINGS):
        content = content.removeprefix(b"\xef\xbb\xbf").strip()
        if content.startswith(b"<"):
            content = _message_of_xml(content)
            continue
        if not content.startswith((b"{", b"[", b'"')):
            content = _from_base64(content)
            continue
        value = _json(content)
        message = value if isinstance(value, str) else _message_of_json(value)
        if message is None:
            return value
        content = _bytes(message)
    raise EventShapeError("wrapped more often than any sender does")


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise EventShapeError("neither JSON, nor base64 of it, nor MNS's XML") from None


def _bytes(text: str) -> bytes:
    """JSON may hold half a surrogate pair, which is no text; as bytes it is refused for what it is."""
    return text.encode("utf-8", "surrogatepass")


def _from_base64(content: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        raise EventShapeError("neither JSON, nor base64 of it, nor MNS's XML") from None


def _message_of_json(value: Any) -> str | None:
    if isinstance(value, dict) and isinstance(value.get("Message"), str) and "TopicName" in value:
        message: str = value["Message"]
        return message
    return None


def _message_of_xml(content: bytes) -> bytes:
    # Entities could make a short text a huge one, or name files; MNS declares none.
    if b"<!" in content:
        raise EventShapeError("XML with declarations, which MNS does not send")
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError):
        raise EventShapeError("broken XML") from None
    for element in root.iter():
        if element.tag.rpartition("}")[2] == "Message":
            return (element.text or "").encode()
    raise EventShapeError("XML without a Message, which MNS does not send")


def _records(value: Any) -> Iterator[dict[str, Any]]:
    """The single events as OSS writes them, those of CloudEvents without their envelope."""
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, dict):
            raise EventShapeError("an event that is no JSON object")
        if isinstance(one.get("events"), list):
            yield from _records(one["events"])
        elif "specversion" in one or ("data" in one and "type" in one):
            yield _without_envelope(one)
        elif "oss" in one or "eventName" in one:
            yield one
        else:
            raise EventShapeError("JSON that is no storage event of MNS, Function Compute or EventBridge")


def _without_envelope(event: dict[str, Any]) -> dict[str, Any]:
    data = event.get("data")
    if isinstance(data, str):
        data = _json(_bytes(data))
    if not isinstance(data, dict):
        raise EventShapeError("a CloudEvent without data")
    kind = event.get("type")
    named = kind.removeprefix("oss:") if isinstance(kind, str) else ""
    return {**data, "eventName": data.get("eventName") or named}


def _created(record: dict[str, Any]) -> CreatedObject | None:
    name = record.get("eventName")
    if not isinstance(name, str):
        raise EventShapeError("an event without eventName")
    if not name.startswith(_CREATED):
        return None
    way = name.removeprefix(_CREATED)
    if way in _PARTS:
        return None
    if way not in _KNOWN:
        # Harmless: whether the object is there, the bucket's listing says.
        _log.warning("a storage event of an unknown kind, taken for a new object: %s", _shown(name))
    return CreatedObject(
        bucket=_text(record, "oss", "bucket", "name"),
        key=_text(record, "oss", "object", "key"),
        etag=_text(record, "oss", "object", "eTag", needed=False),
    )


def _text(record: dict[str, Any], *path: str, needed: bool = True) -> str:
    value: Any = record
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not needed and value in (None, ""):
        return ""
    if not isinstance(value, str) or not value:
        raise EventShapeError(f"an event without {'.'.join(path)}")
    return value


def _shown(text: str) -> str:
    return re.sub(r"[^\w:.-]", "?", text)[:80]
