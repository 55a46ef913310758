"""Which pictures a page shows of its product: absolute addresses, one entry a picture, the largest size first."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from skuflow.catalog.links.told import ImageLink, Picture

MAX_PICTURES = 16
"""More than are kept, since some of them turn out to be icons or gone."""
_MAX_SIZES = 3
_LEAST_WIDTH_PX = 200
"""Pictures that are said to be smaller are thumbnails; they are not worth the journey."""
_MAX_CHARS = 2000

_NAMED_SIZES_PX = {
    "pico": 16, "icon": 32, "thumb": 50, "small": 100, "compact": 160, "medium": 240, "large": 480, "grande": 600,
}  # fmt: skip
_ENDING = r"(?=\.[a-z]{3,4}$)"
_SIZE_TOKENS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"_(?:\d{{1,4}}x\d{{0,4}}|x\d{{1,4}}|{'|'.join(_NAMED_SIZES_PX)}|original|master)"
        rf"(?:_crop_\w{{1,10}})?(?:@\dx)?(?:\.progressive)?{_ENDING}",
        rf"[-_]\d{{2,4}}x\d{{2,4}}{_ENDING}",
        rf"\._[A-Z0-9_,+-]{{2,120}}_{_ENDING}",
        r"(?<=/il_)(?:\d{2,4}x(?:N|\d{2,4})|fullxfull)(?=\.)",
        r"im/\d{1,10}/(?:resize-h\d{1,4}(?:-w\d{1,4})?(?:%5E|\^))?compr-r\d{1,3}(?=/)",
        r"(?<=/)cache/(?:\d/)?(?:[a-z_]{3,20}/(?:\d{1,4}x\d{0,4}/)?)?[0-9a-f]{32}/",
        r"(?<=/)(?:\d{2,4}x\d{2,4}|[wh]_\d{2,4}(?:,[a-z]{1,3}_[\w.]{1,12})*)/",
    )
)
"""How shop systems write a picture's size into its address."""
_NAMES_OF_SIZES = (
    "w h width height wid hei sw sh size sz maxwidth maxheight imwidth dpr q quality qlt fit crop resize scale fmt"
    " format fm auto v op_sharpen resmode sm ssl"
)
_SIZE_PARAMETERS = frozenset(_NAMES_OF_SIZES.split())
_WIDTH_PARAMETERS = ("width", "w", "wid", "sw", "imwidth", "maxwidth", "size", "sz")
_NO_PHOTO = re.compile(r"\.(?:svg|ico|mp4|webm|mov|m3u8|pdf|css|js)$", re.IGNORECASE)


def pictures(links: Iterable[ImageLink], base: str) -> tuple[Picture, ...]:
    """The pictures behind ``links`` in the order in which they are first named, sizes of one picture together."""
    found: dict[str, list[tuple[float, str]]] = {}
    for link in links:
        address = absolute(link.address, base)
        if address is None:
            continue
        name, width_px = _name_and_width(address)
        if name not in found and len(found) >= 4 * MAX_PICTURES:
            break
        sizes = found.setdefault(name, [])
        if address not in (known for _, known in sizes) and len(sizes) < 40:
            sizes.append((float(link.width_px) if link.width_px else width_px, address))
    large = [sizes for sizes in found.values() if max(width_px for width_px, _ in sizes) >= _LEAST_WIDTH_PX]
    return tuple(
        Picture(
            addresses=tuple(address for _, address in sorted(sizes, key=lambda size: -size[0])[:_MAX_SIZES])
        )
        for sizes in large[:MAX_PICTURES]
    )


def absolute(address: str, base: str) -> str | None:
    """An http(s) address as it can be fetched, None for anything that is none or is no photo."""
    text = html.unescape(address).strip()
    if not text or len(text) > _MAX_CHARS or not text.isprintable():
        return None
    try:
        joined = urljoin(base, text.replace("\\", "/"))
        parts = urlsplit(joined)
        if parts.scheme not in ("http", "https") or not parts.hostname or _NO_PHOTO.search(parts.path):
            return None
        return quote(parts._replace(fragment="").geturl(), safe="%/:=&?~+!$,;'@()*[]^|{}")
    except (ValueError, UnicodeError):
        return None


def srcset(value: str) -> Iterable[ImageLink]:
    """The candidates of a srcset attribute; densities count a thousand pixels each."""
    for piece in re.split(r",\s+|,(?=https?://|//|/)", value[:20_000]):
        words = piece.split()
        if not words:
            continue
        size = re.fullmatch(r"(\d{1,5})w|(\d)(?:\.\d{1,2})?x", words[1]) if len(words) > 1 else None
        width_px = int(size[1]) if size and size[1] else 1000 * int(size[2]) if size else 0
        yield ImageLink(words[0], width_px)


def _name_and_width(address: str) -> tuple[str, float]:
    """What the sizes of one picture have in common, and how wide this one is; inf where nothing says."""
    parts = urlsplit(address)
    path, width_px = parts.path, math.inf
    for token in _SIZE_TOKENS:
        if (match := token.search(path)) is not None:
            width_px = min(width_px, _written_width(match[0]))
            path = token.sub("", path)
    parameters = parse_qsl(parts.query, keep_blank_values=True)
    for name in _WIDTH_PARAMETERS:
        said = next((value for key, value in parameters if key.lower() == name and value.isdigit()), None)
        if said is not None:
            width_px = min(width_px, float(said[:6]))
            break
    rest = [(name, value) for name, value in parameters if name.lower() not in _SIZE_PARAMETERS]
    return f"{parts.netloc.lower()}{path}?{urlencode(rest)}", width_px


def _written_width(token: str) -> float:
    for name, size_px in _NAMED_SIZES_PX.items():
        if re.search(rf"_{name}(?![a-z])", token, re.IGNORECASE):
            return size_px
    numbers = [int(number) for number in re.findall(r"(?<![\d])(\d{2,4})(?!\d)", token)]
    resized = re.search(r"\d{2,4}x|x\d{2,4}|resize|[SUwh][A-Z_]{0,2}\d{2,4}", token)
    return float(max(numbers)) if numbers and resized else math.inf
