"""Which addresses may be fetched from: plain http(s), an ordinary port, and an IP address of the public internet."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from skuflow.fetching.errors import FetchError, Trouble

WEB_PORTS = frozenset({80, 443, 8080, 8443})
"""Ports on which shops are served; any other is more likely a service that was not meant to be asked."""
MAX_ADDRESS_CHARS = 4000

_MAX_HOST_CHARS = 253
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_INSIDE_NAMES = ("local", "internal", "intranet", "lan", "home.arpa", "onion", "invalid")
"""Endings that no public site has (RFC 6761, 6762, 7686, 8375, and those that networks use by habit). What "localhost"
is, its IP addresses tell.
"""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_NOT_PUBLIC_V4 = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments, and the metadata service of Oracle's cloud
        "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
        "168.63.129.16/32",  # Azure's own services, reachable from inside only
    )
)
_NOT_PUBLIC_V6 = tuple(
    ipaddress.ip_network(network)
    for network in (
        "2001::/23",  # Teredo and other protocol assignments
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation (RFC 9637)
    )
)


def is_public(address: str) -> bool:
    """Whether an IP address (text) belongs to the public internet, also one that is wrapped in IPv6.

    Raises ValueError for text that is no IP address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return _is_public_v4(ip)
    inner = ip.ipv4_mapped or ip.sixtofour
    if ip in _NAT64:
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if inner is not None:
        return _is_public_v4(inner)
    # All that was ever given out to networks lies in 2000::/3; the rest is local, reserved, or an old wrapping.
    return (
        ip in _GLOBAL_UNICAST
        and ip.is_global
        and not ip.is_multicast
        and not any(ip in network for network in _NOT_PUBLIC_V6)
    )


def is_loopback(address: str) -> bool:
    """Whether an IP address (text) is this machine's own, written plainly."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _is_public_v4(ip: ipaddress.IPv4Address) -> bool:
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _NOT_PUBLIC_V4)


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An http(s) address taken apart. ``host`` is lower-case ASCII or an IP literal without brackets, ``target`` the
    path with its query, and ``names_port`` whether the port was written.
    """

    scheme: str
    host: str
    port: int
    target: str
    names_port: bool = False

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them."""
        literal = f"[{self.host}]" if ":" in self.host else self.host
        return f"{literal}:{self.port}" if self.names_port else literal

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def web_address(text: str) -> WebAddress:
    """``text`` as an http(s) address that is worth resolving; its fragment is dropped.

    Raises FetchError: NOT_AN_ADDRESS for another scheme, a host that browsers and resolvers read differently (short,
    decimal, octal and hexadecimal IPv4, a final dot, escapes), CREDENTIALS for a user name in it, PRIVATE for names
    that no public site has.
    """
    parts, host, port = _split(text.strip())
    if "@" in parts.netloc:
        raise FetchError(Trouble.CREDENTIALS, "the address holds a user name or password")
    if any(host == name or host.endswith(f".{name}") for name in _INSIDE_NAMES):
        raise FetchError(Trouble.PRIVATE, f"{host} is no public host")
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    usual = 443 if parts.scheme == "https" else 80
    return WebAddress(parts.scheme, host, port or usual, target, port is not None and port != usual)


def _split(text: str) -> tuple[SplitResult, str, int | None]:
    # urlsplit drops some of these silently and browsers take a backslash for a slash: what one reader checks
    # would not be what the next one fetches.
    if len(text) > MAX_ADDRESS_CHARS or not text.isprintable() or re.search(r"[\s\\]", text):
        raise _no_address()
    try:
        parts = urlsplit(text)
        host, port = _host(parts), parts.port
    except ValueError as error:
        raise _no_address() from error
    if parts.scheme not in ("http", "https") or port == 0:
        raise _no_address()
    return parts, host, port


def _host(parts: SplitResult) -> str:
    """The host in ASCII. Raises ValueError for one that is no name and no plain IP literal."""
    named = parts.hostname or ""
    if "[" in parts.netloc:
        if "%" in named:
            raise ValueError("an address with a zone")
        return str(ipaddress.IPv6Address(named))
    host = named.encode("idna").decode("ascii").lower() if not named.isascii() else named.lower()
    labels = host.split(".")
    if len(host) > _MAX_HOST_CHARS or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("no host name")
    if _NUMBER.fullmatch(labels[-1]):
        return str(ipaddress.IPv4Address(host))
    return host


def _no_address() -> FetchError:
    return FetchError(Trouble.NOT_AN_ADDRESS, "this is no plain http(s) address")
