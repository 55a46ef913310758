"""What OSS tells others of a new object, in the shapes in which it arrives at an HTTP address.

Sources: the OSS trigger of Function Compute (JSON, ``events``), MNS topics (the same JSON in base64, bare or in an
envelope), EventBridge (CloudEvents 1.0, where the object is ``data.oss.object``). OSS sends at least once and in any
order; a receiver that does not answer with 2xx is asked again.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote

ACCOUNT = "1234567890123456"


class Shape(StrEnum):
    """How an event is written."""

    FUNCTION = "function"
    MNS_SIMPLIFIED = "mns"
    MNS_JSON = "mns-json"
    EVENTBRIDGE = "eventbridge"


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """``name``: such as ``ObjectCreated:PutObject``; ``at_s``: epoch seconds. ``key`` stands as it is unless
    ``coded_key``: whether OSS percent-encodes it for MNS is not documented.
    """

    name: str
    bucket: str
    key: str
    etag: str
    size_bytes: int
    region: str
    request_id: str
    at_s: float
    coded_key: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """The body of a POST with its content type."""

    body: bytes
    content_type: str


def message_of(event: ObjectEvent, shape: Shape) -> Message:
    """The event as a receiver gets it."""
    told = json.dumps({"events": [_record(event)]}, ensure_ascii=False).encode()
    match shape:
        case Shape.FUNCTION:
            return Message(told, "application/json")
        case Shape.MNS_SIMPLIFIED:
            return Message(base64.b64encode(told), "text/plain;charset=utf-8")
        case Shape.MNS_JSON:
            return Message(json.dumps(_envelope(event, told)).encode(), "application/json")
        case Shape.EVENTBRIDGE:
            body = json.dumps(_cloud_event(event), ensure_ascii=False).encode()
            return Message(body, "application/json")


def _record(event: ObjectEvent) -> dict[str, Any]:
    return {
        "eventName": event.name,
        "eventSource": "acs:oss",
        "eventTime": _instant(event.at_s),
        "eventVersion": "1.0",
        "oss": {
            "bucket": {
                "arn": f"acs:oss:{event.region}:{ACCOUNT}:{event.bucket}",
                "name": event.bucket,
                "ownerIdentity": ACCOUNT,
                "virtualBucket": "",
            },
            "object": {
                "deltaSize": event.size_bytes,
                "eTag": event.etag,
                "key": quote(event.key, safe="/") if event.coded_key else event.key,
                "size": event.size_bytes,
            },
            "ossSchemaVersion": "1.0",
            "ruleId": "skuflow-incoming",
        },
        "region": event.region,
        "requestParameters": {"sourceIPAddress": "192.0.2.7"},
        "responseElements": {"requestId": event.request_id},
        "userIdentity": {"principalId": ACCOUNT},
    }


def _envelope(event: ObjectEvent, told: bytes) -> dict[str, str]:
    message = base64.b64encode(told).decode()
    return {
        "TopicOwner": ACCOUNT,
        "TopicName": "skuflow-incoming",
        "Subscriber": ACCOUNT,
        "SubscriptionName": "skuflow",
        "MessageId": event.request_id,
        "Message": message,
        "MessageMD5": hashlib.md5(message.encode(), usedforsecurity=False).hexdigest().upper(),
        "PublishTime": str(int(event.at_s * 1000)),
    }


def _cloud_event(event: ObjectEvent) -> dict[str, Any]:
    record = _record(event)
    described = record["oss"]["object"] | {"objectMeta": {"mimeType": "application/octet-stream"}}
    data = record | {"oss": record["oss"] | {"object": described}}
    return {
        "id": event.request_id,
        "source": "acs.oss",
        "specversion": "1.0",
        "type": f"oss:{event.name}",
        "datacontenttype": "application/json;charset=utf-8",
        "subject": f"acs:oss:{event.region}:{ACCOUNT}:{event.bucket}/{event.key}",
        "time": _instant(event.at_s),
        "aliyunpublishtime": _instant(event.at_s),
        "aliyuneventbusname": "default",
        "aliyunregionid": event.region,
        "aliyunoriginalaccountid": ACCOUNT,
        "aliyunaccountid": ACCOUNT,
        "data": data,
    }


def _instant(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
