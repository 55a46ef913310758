"""What a person gave and has to change: the base of every error that ends a run or a command with one sentence."""

from __future__ import annotations


class RefusalError(Exception):
    """The input, the wishes or the configuration cannot be used as they are; nothing has been asked of a vendor for it.

    ``str()`` is one line that says what was found and what to do, ``message_zh`` the same in Chinese, empty where only
    engineers meet it (configuration).
    """

    def __init__(self, message: str, *, message_zh: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.message_zh = message_zh
