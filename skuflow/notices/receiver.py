"""Where notices go and what they are signed with: SKUFLOW_WEBHOOK_URL and SKUFLOW_WEBHOOK_SECRET."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LEAST_SECRET_CHARS = 16
_UNSPEAKABLE = re.compile(r"[\x00-\x20\x7f]")


class ReceiverError(Exception):
    """An address or secret that cannot be used; one line that names the variable, and not its value."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Either may hold what is nobody's business."""

    url: str = field(repr=False)
    secret: str = field(repr=False)


def receiver_of(url: str, secret: str) -> Receiver | None:
    """The receiver that the settings name; None where no address is set. Raises ReceiverError."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ReceiverError("SKUFLOW_WEBHOOK_URL: this is no address; write https://HOST/PATH") from error
    if _UNSPEAKABLE.search(url) or parts.scheme not in ("https", "http") or not host or parts.fragment:
        raise ReceiverError("SKUFLOW_WEBHOOK_URL: this is no address; write https://HOST/PATH")
    if parts.username is not None or parts.password is not None:
        raise ReceiverError("SKUFLOW_WEBHOOK_URL: take user and password out; notices are signed instead")
    if parts.scheme == "http" and not _is_this_machine(host):
        raise ReceiverError("SKUFLOW_WEBHOOK_URL: write https://; http is for this machine only")
    if len(secret) < LEAST_SECRET_CHARS:
        raise ReceiverError(
            f"SKUFLOW_WEBHOOK_SECRET: at least {LEAST_SECRET_CHARS} characters are needed to sign notices;"
            " make one with: openssl rand -hex 32"
        )
    return Receiver(url, secret)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"
