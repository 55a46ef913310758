"""Codes that the service behind the gateway says (error tables of pages 85621/1817045 and 1777001)."""

from __future__ import annotations

from collections.abc import Mapping

from providers.emulators.core.faults import Fault

OK = 10000
BAD_INPUT = 50215
DENIED = 50400
QPS = 50429
CONCURRENCY = 50430
INTERNAL = 50500

TABLE: Mapping[int, tuple[int, str]] = {
    OK: (200, "Success"),
    # The HTTP statuses of 50215 and 50400 are unconfirmed; they are known not to be 200.
    BAD_INPUT: (400, "Input invalid for this service."),
    DENIED: (400, "Access Denied: Access Denied"),
    50411: (400, "Pre Img Risk Not Pass"),
    50412: (400, "Text Risk Not Pass"),
    50413: (400, "Post Text Risk Not Pass"),
    QPS: (429, "Request Has Reached API Limit, Please Try Later"),
    CONCURRENCY: (429, "Request Has Reached API Concurrent Limit, Please Try Later"),
    INTERNAL: (500, "Internal Error"),
    50501: (500, "Internal RPC Error"),
    50511: (400, "Post Img Risk Not Pass"),
    50512: (400, "Post Text Risk Not Pass"),
    50516: (400, "Post Video Risk Not Pass"),
    50517: (400, "Post Audio Risk Not Pass"),
    50518: (400, "Pre Img Copyright Risk Not Pass"),
    50519: (400, "Post Img Copyright Risk Not Pass"),
    50520: (400, "Risk Internal Error"),
    50521: (400, "Antidirt Internal Error"),
    50522: (400, "Image Copyright Internal Error"),
}
"""Code -> HTTP status and message."""

REFUSALS: Mapping[Fault, int] = {
    Fault.THROTTLE: QPS,
    Fault.THROTTLE_PARALLEL: CONCURRENCY,
    Fault.SERVER_BUSY: INTERNAL,
    Fault.REJECT_CREATE: 50411,
    Fault.ARREARS: DENIED,
    Fault.QUOTA_USED_UP: DENIED,
}
"""Scripted faults that refuse a request, with the code that each says unless the emulator is told another.

The page has no code of its own for an account in arrears or a used-up package: unconfirmed.
"""

ENDINGS: Mapping[tuple[str, Fault], int] = {
    ("image", Fault.REJECT_END): 50511,
    ("video", Fault.REJECT_END): 50516,
    ("image", Fault.FAIL_END): 50520,
    ("video", Fault.FAIL_END): 50520,
    ("image", Fault.FAIL_AS_SUCCESS): 50520,
    ("video", Fault.FAIL_AS_SUCCESS): 50520,
}
"""Scripted bad endings by kind of task, with the code of the query's answer unless the emulator is told another."""


class RefusalError(Exception):
    """The service refuses with one of its codes; ``detail`` is added to the code's own message."""

    def __init__(self, code: int, detail: str = "") -> None:
        self.code = code
        self.status, text = TABLE[code]
        self.message = f"{text} {detail}" if detail else text
        super().__init__(self.message)
