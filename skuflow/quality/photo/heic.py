"""HEIC, as telephones save photos. pi-heif brings libheif and libde265 (LGPL), and no encoder, whose licence is GPL."""

from __future__ import annotations

import functools

HEIF = "HEIF"
"""Pillow's name for it."""

# ISO/IEC 23008-12, Annex B and D: files coded with HEVC, and those of any coding ("mif1"), which may be AVIF as well.
_HEVC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_ANY_BRANDS = frozenset({b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_LOOKED_AT_BYTES = 256


def is_heic(content: bytes) -> bool:
    """Whether a file begins as HEIC does; AVIF, which begins alike, is none."""
    if content[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(content[:4], "big"), _LOOKED_AT_BYTES)
    brands = {content[8:12], *(content[at : at + 4] for at in range(16, end, 4))}
    if brands & _AVIF_BRANDS:
        return False
    return bool(brands & _HEVC_BRANDS) or content[8:12] in _ANY_BRANDS


@functools.cache
def let_pillow_open_heic() -> None:
    """Pillow opens HEIF from now on: upright already, since that is how its decoder gives it, and in 8 bits."""
    import pi_heif

    pi_heif.register_heif_opener(thumbnails=False)
