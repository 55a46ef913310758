"""Kling's error codes (Kling: error codes page) and the envelope that carries them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from providers.emulators.core.http import Answer

AUTH_FAILED = 1000
AUTH_EMPTY = 1001
AUTH_INVALID = 1002
TOKEN_TOO_EARLY = 1003
TOKEN_EXPIRED = 1004
ARREARS = 1101
PACK_USED_UP = 1102
FORBIDDEN = 1103
BAD_REQUEST = 1200
BAD_VALUE = 1201
NO_METHOD = 1202
NO_RESOURCE = 1203
POLICY = 1300
CONTENT_SECURITY = 1301
TOO_MANY_REQUESTS = 1302
TOO_MANY_PARALLEL = 1303
INTERNAL = 5000
MAINTENANCE = 5001
TIMED_OUT = 5002

HTTP_STATUS: Mapping[int, int] = {
    AUTH_FAILED: 401,
    AUTH_EMPTY: 401,
    AUTH_INVALID: 401,
    TOKEN_TOO_EARLY: 401,
    TOKEN_EXPIRED: 401,
    1100: 429,
    # Refusals for want of money are 429 too, though waiting does not help.
    ARREARS: 429,
    PACK_USED_UP: 429,
    FORBIDDEN: 403,
    BAD_REQUEST: 400,
    BAD_VALUE: 400,
    NO_METHOD: 404,
    NO_RESOURCE: 404,
    POLICY: 400,
    CONTENT_SECURITY: 400,
    TOO_MANY_REQUESTS: 429,
    TOO_MANY_PARALLEL: 429,
    1304: 429,
    INTERNAL: 500,
    MAINTENANCE: 503,
    TIMED_OUT: 504,
}

TEXTS: Mapping[int, str] = {
    AUTH_FAILED: "authentication failed",
    AUTH_EMPTY: "authorization is empty",
    AUTH_INVALID: "authorization is invalid",
    TOKEN_TOO_EARLY: "authorization is not yet effective",
    TOKEN_EXPIRED: "authorization has expired",
    1100: "account is abnormal",
    ARREARS: "account is in arrears",
    PACK_USED_UP: "resource pack is used up or has expired",
    FORBIDDEN: "no permission for this interface or model",
    BAD_REQUEST: "invalid request parameters",
    BAD_VALUE: "invalid parameter value",
    NO_METHOD: "the requested method does not exist",
    NO_RESOURCE: "the requested resource does not exist",
    POLICY: "platform policy triggered",
    CONTENT_SECURITY: "content security policy triggered",
    TOO_MANY_REQUESTS: "too many requests",
    TOO_MANY_PARALLEL: "parallel task over resource pack limit",
    1304: "ip is not on the whitelist",
    INTERNAL: "internal error",
    MAINTENANCE: "service is under maintenance",
    TIMED_OUT: "internal timeout",
}


class RefusalError(Exception):
    """Kling refuses with one of its codes; ``detail`` is added to the code's text."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.message = f"{TEXTS[code]}: {detail}" if detail else TEXTS[code]

    def answer(self) -> Answer:
        envelope = {"code": self.code, "message": self.message, "request_id": str(uuid.uuid4())}
        return Answer.json(envelope, HTTP_STATUS[self.code])


def success(data: Any) -> Answer:
    return Answer.json({"code": 0, "message": "SUCCEED", "request_id": str(uuid.uuid4()), "data": data})
