"""Why something was not fetched."""

from __future__ import annotations

from enum import StrEnum


class Trouble(StrEnum):
    """What stood in the way, by what a person can do about it."""

    NOT_AN_ADDRESS = "not_an_address"
    CREDENTIALS = "credentials"
    PORT = "port"
    PRIVATE = "private"
    UNKNOWN_HOST = "unknown_host"
    UNREACHABLE = "unreachable"
    INSECURE = "insecure"
    TIMEOUT = "timeout"
    STATUS = "status"
    REDIRECTS = "redirects"
    TOO_LARGE = "too_large"
    BOMB = "bomb"
    ENCODING = "encoding"
    CUT_SHORT = "cut_short"


class FetchError(Exception):
    """Nothing was fetched. ``status`` is the HTTP status where ``trouble`` is STATUS; the message holds no query."""

    def __init__(self, trouble: Trouble, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.trouble = trouble
        self.message = message
        self.status = status
