"""Is this what it says it is? Checks on the bytes of a result before they are paid for."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Iterator

MAX_RESULT_BYTES = 256 * 1024 * 1024

EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "application/json": "json",
}
"""The media types that a result may have, and their file name endings."""

_BOX_HEADER = struct.Struct(">I4s")
_LARGE_SIZE = struct.Struct(">Q")


def defect_in(data: bytes, media_type: str, *, max_bytes: int = MAX_RESULT_BYTES) -> str | None:
    """What is wrong with a result, in words; None if it is whole. Blocks for as long as decoding takes.

    A picture must decode to its last row, an MP4 must have its index and as many bytes as its boxes say, JSON
    must be an object. Raises KeyError for a media type that is not in EXTENSIONS.
    """
    check = _CHECKS[media_type]
    if not data:
        return "it is empty"
    if len(data) > max_bytes:
        return f"it has {len(data)} bytes, more than the {max_bytes} allowed"
    return check(data)


def _picture_check(name: str, is_one: Callable[[bytes], bool]) -> Callable[[bytes], str | None]:
    def check(data: bytes) -> str | None:
        if not is_one(data):
            return f"its first bytes are not those of a {name} file"
        # Pillow takes long to import, and a run that reuses everything does not need it.
        from PIL import Image

        try:
            with Image.open(io.BytesIO(data), formats=[name]) as picture:
                if name == "PNG":
                    # The checksums of all chunks, without inflating the pixels.
                    picture.verify()
                else:
                    # An eighth of the size where the format can: the whole stream is read all the same.
                    picture.draft(picture.mode, (max(1, picture.width // 8), max(1, picture.height // 8)))
                    picture.load()
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            return f"it does not decode ({error})"
        return None

    return check


def _mp4_defect(data: bytes) -> str | None:
    if data[4:8] != b"ftyp":
        return "its first bytes are not those of an MP4 file"
    kinds = set()
    for kind, end in _boxes(data):
        if end > len(data):
            return f"its {kind.decode('latin-1')} box is cut off"
        kinds.add(kind)
    missing = [kind.decode() for kind in (b"moov", b"mdat") if kind not in kinds]
    return f"it has no {' and no '.join(missing)} box" if missing else None


def _boxes(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Top-level boxes and where each one ends; stops where the next would begin beyond the data."""
    at = 0
    while at + _BOX_HEADER.size <= len(data):
        size, kind = _BOX_HEADER.unpack_from(data, at)
        if size == 1 and at + 16 <= len(data):
            (size,) = _LARGE_SIZE.unpack_from(data, at + 8)
        elif size == 0:
            size = len(data) - at
        # A size smaller than its own header is damage; calling the box cut off ends the walk.
        at = at + size if size >= _BOX_HEADER.size else len(data) + 1
        yield kind, at


def _json_defect(data: bytes) -> str | None:
    try:
        value = json.loads(data)
    except ValueError as error:
        return f"it is not JSON ({error})"
    return None if isinstance(value, dict) else "it is not a JSON object"


_CHECKS: dict[str, Callable[[bytes], str | None]] = {
    "image/png": _picture_check("PNG", lambda data: data.startswith(b"\x89PNG\r\n\x1a\n")),
    "image/jpeg": _picture_check("JPEG", lambda data: data.startswith(b"\xff\xd8\xff")),
    "image/webp": _picture_check("WEBP", lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP"),
    "video/mp4": _mp4_defect,
    "application/json": _json_defect,
}
