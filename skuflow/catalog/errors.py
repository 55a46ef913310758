"""What makes a whole catalog unusable, as opposed to a row of it."""

from __future__ import annotations

from skuflow.listing.findings import Finding
from skuflow.refusals import RefusalError


class CatalogError(RefusalError):
    """The file or folder is no usable catalog.

    ``findings`` are those of its rows, where the rows could be read but none of them is usable.
    """

    def __init__(self, message: str, findings: tuple[Finding, ...] = (), *, message_zh: str = "") -> None:
        super().__init__(message, message_zh=message_zh)
        self.findings = findings
