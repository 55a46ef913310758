"""Inputs that a vendor downloads or is handed, looked at as a vendor does."""

from __future__ import annotations

import functools
import io
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_MAX_PIXELS = 100_000_000


class InputError(Exception):
    """An input cannot be had, or is no picture."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded input. ``format`` is Pillow's name ("JPEG", "PNG", "WEBP", ...)."""

    data: bytes
    format: str
    width_px: int
    height_px: int
    has_alpha: bool

    @property
    def short_px(self) -> int:
        return min(self.width_px, self.height_px)

    @property
    def long_px(self) -> int:
        return max(self.width_px, self.height_px)

    @property
    def aspect(self) -> float:
        """Width by height."""
        return self.width_px / self.height_px

    @property
    def size_bytes(self) -> int:
        return len(self.data)


def client(timeout_s: float) -> httpx.AsyncClient:
    """A client for what emulators ask of others; it knows of no proxy."""
    import httpx

    return httpx.AsyncClient(timeout=timeout_s, trust_env=False, verify=_tls())


@functools.cache
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes longer than a whole exchange on loopback, so it is done once.
    return ssl.create_default_context()


async def fetch(url: str, *, max_bytes: int = 100 * 1024 * 1024, timeout_s: float = 20.0) -> bytes:
    """The bytes at ``url``: https, or http on this machine. Redirects are not followed. Raises InputError."""
    import httpx

    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise InputError("the address is not a public https address")
    pieces: list[bytes] = []
    size_bytes = 0
    try:
        async with (
            client(timeout_s) as asking,
            asking.stream("GET", url) as reply,
        ):
            if reply.status_code != 200:
                raise InputError(f"the address answered {reply.status_code}")
            async for piece in reply.aiter_bytes():
                size_bytes += len(piece)
                if size_bytes > max_bytes:
                    raise InputError(f"the file has more than {max_bytes} bytes")
                pieces.append(piece)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise InputError(f"the address cannot be read: {type(error).__name__}") from error
    return b"".join(pieces)


def look_at(data: bytes) -> Picture:
    """What a picture is. It is decoded in full, so that a broken one is noticed. Raises InputError."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise InputError("the picture has too many pixels")
            alpha = "A" in image.getbands() or "transparency" in image.info
            picture = Picture(data, image.format or "", image.width, image.height, alpha)
            image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"the picture cannot be decoded: {error}") from error
    return picture
