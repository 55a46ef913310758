"""What makes a whole catalog unusable, as opposed to a row of it."""

from __future__ import annotations

from skuflow.listing.findings import Finding


class CatalogError(Exception):
    """The file or folder is no usable catalog.

    ``str()`` is one line that says what was found and what to do, ``message_zh`` the same in Chinese, empty where
    nobody has written it. ``findings`` are those of its rows, where the rows could be read but none of them is usable.
    """

    def __init__(self, message: str, findings: tuple[Finding, ...] = (), *, message_zh: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.message_zh = message_zh
        self.findings = findings
