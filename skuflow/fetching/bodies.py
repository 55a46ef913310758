"""Reading a body within a limit, however small it was made for the journey."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

from skuflow.fetching.errors import FetchError, Trouble

ACCEPT_ENCODING = "gzip, deflate"
"""What can be unpacked in bounded steps with the standard library."""

_GZIP_MAGIC = b"\x1f\x8b"


async def read_within(pieces: AsyncIterator[bytes], encoding: str, max_bytes: int) -> bytes:
    """The body, unpacked. Bytes are counted on both sides of the unpacking, and never more than ``max_bytes`` kept.

    Raises FetchError: TOO_LARGE, BOMB where it is the unpacked body that is too large, ENCODING for a packing that was
    not asked for, CUT_SHORT for one that is damaged or ends early.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return await _plain(pieces, max_bytes)
    if name not in ("gzip", "x-gzip", "deflate"):
        raise FetchError(Trouble.ENCODING, f"the answer is packed as {name[:40]!r}, which was not asked for")
    return await _unpacked(pieces, _Unpacking(name != "deflate", max_bytes), max_bytes)


async def _plain(pieces: AsyncIterator[bytes], max_bytes: int) -> bytes:
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(body)


async def _unpacked(pieces: AsyncIterator[bytes], unpacking: _Unpacking, max_bytes: int) -> bytes:
    taken = 0
    async for piece in pieces:
        taken += len(piece)
        if taken > max_bytes:
            raise _too_large(max_bytes)
        unpacking.take(piece)
    return unpacking.end()


class _Unpacking:
    """Unpacks gzip (several members, too) or deflate (with or without its zlib header) into at most ``max_bytes``."""

    def __init__(self, is_gzip: bool, max_bytes: int) -> None:
        self._is_gzip = is_gzip
        self._max_bytes = max_bytes
        self._body = bytearray()
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16 if is_gzip else zlib.MAX_WBITS)
        self._fresh = True
        self._over = False

    def take(self, piece: bytes) -> None:
        """Raises FetchError: BOMB, CUT_SHORT."""
        while piece and not self._over:
            piece = self._step(piece)

    def end(self) -> bytes:
        """The whole body. Raises FetchError: CUT_SHORT."""
        if not self._inflate.eof and not self._fresh:
            raise FetchError(Trouble.CUT_SHORT, "the packed answer ends early")
        return bytes(self._body)

    def _step(self, piece: bytes) -> bytes:
        """Unpack some; what is left to unpack."""
        room = self._max_bytes - len(self._body)
        try:
            self._body += self._inflate.decompress(piece, room + 1)
        except zlib.error as error:
            if self._fresh and not self._is_gzip:
                self._is_gzip = True
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
                return piece
            raise FetchError(Trouble.CUT_SHORT, "the packed answer is damaged") from error
        self._fresh = False
        if len(self._body) > self._max_bytes:
            raise FetchError(
                Trouble.BOMB, f"the answer unpacks to more than the {self._max_bytes} bytes allowed"
            )
        if not self._inflate.eof:
            return self._inflate.unconsumed_tail
        rest = self._inflate.unused_data
        if rest.startswith(_GZIP_MAGIC):
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
            return rest
        self._over = True
        return b""


def _too_large(max_bytes: int) -> FetchError:
    return FetchError(Trouble.TOO_LARGE, f"the answer has more than the {max_bytes} bytes allowed")
