"""Findings: what was noticed about a product or a made part, in words that a person can act on."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Finding(BaseModel):
    """One observation. ``code`` is stable and documented; ``message`` is English and says what to do, ``message_zh``
    the same in Chinese; ``subject`` names what it is about ("row 7, column price", "image:scene:2", a file name);
    ``measured`` and ``limit`` are the figures behind it, as text with units, or None.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    severity: Severity
    subject: str
    message: str
    message_zh: str = ""
    measured: str | None = None
    limit: str | None = None
