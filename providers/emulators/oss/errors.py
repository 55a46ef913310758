"""What OSS says when it refuses (Alibaba Cloud help, "OSS error responses" and the pages of the single EC codes)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from xml.sax.saxutils import escape

from providers.emulators.core.http import Answer


class OssRefusalError(Exception):
    """An error of OSS: status, code, message, and further elements of the XML."""

    def __init__(self, status: int, code: str, message: str, ec: str = "", **details: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.ec = ec
        self.details = details

    def answer(self, method: str, host: str, headers: Mapping[str, str]) -> Answer:
        """XML; for HEAD, whose replies have no body, in base64 in ``x-oss-err``."""
        fields = {
            "Code": self.code,
            "Message": self.message,
            "RequestId": headers["x-oss-request-id"],
            "HostId": host,
            **self.details,
            **({"EC": self.ec} if self.ec else {}),
        }
        inner = "".join(f"  <{name}>{escape(text)}</{name}>\n" for name, text in fields.items())
        xml = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n{inner}</Error>\n'.encode()
        sent = {**headers, "content-type": "application/xml", **({"x-oss-ec": self.ec} if self.ec else {})}
        if method == "HEAD":
            return Answer(self.status, b"", {**sent, "x-oss-err": base64.b64encode(xml).decode()})
        return Answer(self.status, xml, sent)


def no_such_key(key: str) -> OssRefusalError:
    return OssRefusalError(404, "NoSuchKey", "The specified key does not exist.", "0026-00000001", Key=key)


def no_such_bucket(bucket: str) -> OssRefusalError:
    return OssRefusalError(
        404, "NoSuchBucket", "The specified bucket does not exist.", "0015-00000101", BucketName=bucket
    )


def no_such_upload(upload_id: str) -> OssRefusalError:
    return OssRefusalError(
        404,
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
        "completed.",
        "0042-00000002",
        UploadId=upload_id,
    )


def already_exists() -> OssRefusalError:
    return OssRefusalError(
        409,
        "FileAlreadyExists",
        "The object you specified already exists and can not be overwritten.",
        "0026-00000037",
    )


def denied(message: str = "You have no right to access this object.") -> OssRefusalError:
    return OssRefusalError(403, "AccessDenied", message, "0003-00000001")


def invalid_argument(message: str, ec: str = "") -> OssRefusalError:
    return OssRefusalError(400, "InvalidArgument", message, ec)
