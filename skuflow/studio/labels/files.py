"""A label into the bytes of a finished file, which are otherwise left as they are."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import takewhile

from skuflow.studio.jpeg_segments import APP0, APP1, SOI, SOS, Segment, segments
from skuflow.studio.labels.origin import LabelError

_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_XMP = b"XML:com.adobe.xmp\0"
_MP4_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""XMP specification part 3: the type of the uuid box that holds a packet."""


def with_packet(data: bytes, media_type: str, packet: bytes) -> bytes:
    """``data`` with ``packet`` as its only XMP packet; pictures and sound keep every byte.

    Raises LabelError for a format that cannot be labelled and for a damaged file.
    """
    try:
        match media_type:
            case "image/jpeg":
                return _jpeg(data, packet)
            case "image/png":
                return _png(data, packet)
            case "video/mp4":
                return _mp4(data, packet)
    except (struct.error, IndexError) as error:
        raise LabelError(f"a damaged {media_type} cannot be labelled") from error
    raise LabelError(f"{media_type} cannot be labelled; make it a JPEG, PNG or MP4")


def _jpeg(data: bytes, packet: bytes) -> bytes:
    parts = list(segments(data)) if data.startswith(SOI) else []
    if not parts or parts[-1].marker != SOS:
        raise LabelError("a damaged image/jpeg, or none, cannot be labelled")
    # JFIF and Exif stand in front, as readers expect them.
    in_front = takewhile(lambda part: part.marker in (APP0, APP1) and not _is_xmp(data, part), parts)
    at = max((part.end for part in in_front), default=len(SOI))
    kept = [part for part in parts if part.start >= at and not _is_xmp(data, part)]
    body = _JPEG_XMP + packet
    ours = struct.pack(">BBH", 0xFF, APP1, len(body) + 2) + body
    return b"".join((data[:at], ours, *(data[part.start : part.end] for part in kept), data[parts[-1].end :]))


def _is_xmp(data: bytes, part: Segment) -> bool:
    return part.marker == APP1 and data.startswith(_JPEG_XMP, part.start + 4)


def _png(data: bytes, packet: bytes) -> bytes:
    if not data.startswith(_PNG_START):
        raise LabelError("this is no PNG; it cannot be labelled")
    out = [_PNG_START]
    for kind, chunk in _png_chunks(data):
        if kind == b"iTXt" and chunk[8:].startswith(_PNG_XMP):
            continue
        out.append(chunk)
        if kind == b"IHDR":
            # No compression, no language, no translated keyword.
            body = b"iTXt" + _PNG_XMP + b"\0\0\0\0" + packet
            out.append(struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)))
    return b"".join(out)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_PNG_START)
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 12 + length
        if end > len(data):
            raise LabelError("a damaged image/png cannot be labelled")
        yield data[at + 4 : at + 8], data[at:end]
        at = end


def _mp4(data: bytes, packet: bytes) -> bytes:
    out = bytearray(data)
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
        elif size == 0:
            raise LabelError("an MP4 whose last part has no end cannot be labelled; pack it again")
        if size < 8 or at + size > len(data):
            raise LabelError("a damaged video/mp4 cannot be labelled")
        if kind == b"uuid" and data[at + 8 : at + 24] == _MP4_XMP:
            # Taken out of use in place: the index counts bytes from the start of the file.
            out[at + 4 : at + size] = b"free" + bytes(size - 8)
        at += size
    if at == 0:
        raise LabelError("an empty video/mp4 cannot be labelled")
    # At the end, where it moves nothing that the index points to.
    return bytes(out) + struct.pack(">I4s", 24 + len(packet), b"uuid") + _MP4_XMP + packet
