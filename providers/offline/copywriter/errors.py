"""The copywriter's only error."""

from __future__ import annotations


class CopyError(Exception):
    """Copy that cannot be written as asked. ``code`` is stable; ``message`` says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
