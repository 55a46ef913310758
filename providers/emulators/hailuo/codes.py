"""MiniMax's error codes, and the two dialects that carry them (pages "Error codes" and "Video generation V2").

v1 answers HTTP 200 with ``base_resp``; v2 answers real HTTP codes with an error object that bears the number of v1 in
parentheses.
"""

from __future__ import annotations

from collections.abc import Mapping

from providers.emulators.core.faults import Fault

OK = 0
UNKNOWN = 1000
RATE_LIMIT = 1002
NO_LOGIN = 1004
BALANCE = 1008
INPUT_SENSITIVE = 1026
OUTPUT_SENSITIVE = 1027
INVISIBLE_CHARACTERS = 1042
BAD_PARAMS = 2013
BAD_KEY = 2049

TEXTS: Mapping[int, str] = {
    OK: "success",
    UNKNOWN: "unknown error",
    1001: "request timeout",
    RATE_LIMIT: "rate limit, please retry later",
    NO_LOGIN: "login fail: Please carry the API secret key in the 'Authorization' field of the request header",
    BALANCE: "insufficient balance",
    1024: "internal error",
    INPUT_SENSITIVE: "video description contains sensitive content",
    OUTPUT_SENSITIVE: "generated video contains sensitive content",
    1033: "system error, please retry later",
    1039: "token limit",
    1041: "conn limit",
    INVISIBLE_CHARACTERS: "invisible character ratio limit",
    BAD_PARAMS: "invalid params",
    2038: "real-name verification is required",
    BAD_KEY: "invalid api key",
    2056: "usage limit exceeded",
}

HTTP: Mapping[int, tuple[int, str]] = {
    UNKNOWN: (500, "server_error"),
    1001: (500, "server_error"),
    RATE_LIMIT: (429, "rate_limit_error"),
    NO_LOGIN: (401, "authorized_error"),
    BALANCE: (402, "insufficient_balance_error"),
    1024: (500, "server_error"),
    INPUT_SENSITIVE: (422, "unprocessable_entity_error"),
    OUTPUT_SENSITIVE: (422, "unprocessable_entity_error"),
    # The page names 529 overloaded_error, not the number behind it: unconfirmed.
    1033: (529, "overloaded_error"),
    1039: (429, "rate_limit_error"),
    1041: (429, "rate_limit_error"),
    INVISIBLE_CHARACTERS: (400, "bad_request_error"),
    BAD_PARAMS: (400, "bad_request_error"),
    2038: (401, "authorized_error"),
    BAD_KEY: (401, "authorized_error"),
    2056: (429, "rate_limit_error"),
}
"""HTTP status and error type of v2. Where the page shows no example for a number, the row is inferred from its type."""

REFUSALS: Mapping[Fault, int] = {
    Fault.THROTTLE: RATE_LIMIT,
    Fault.THROTTLE_PARALLEL: 1041,
    Fault.THROTTLE_BURST: 1039,
    Fault.SERVER_BUSY: 1024,
    Fault.REJECT_CREATE: INPUT_SENSITIVE,
    Fault.ARREARS: BALANCE,
    Fault.QUOTA_USED_UP: 2056,
    Fault.AUTH: BAD_KEY,
}
"""Scripted faults that refuse a request, with the number each of them says unless the emulator is told another."""


class RefusalError(Exception):
    """MiniMax refuses: one of its numbers, and where it says more than the number's text, a detail."""

    def __init__(self, code: int, detail: str = "") -> None:
        self.code = code
        self.message = f"{TEXTS[code]}, {detail}" if detail else TEXTS[code]
        super().__init__(self.message)


def base_resp(code: int = OK, message: str = "") -> dict[str, object]:
    """The v1 object that tells success from failure."""
    return {"status_code": code, "status_msg": message or TEXTS[code]}
