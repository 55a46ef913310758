"""How large a product is, from attributes in Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from skuflow.catalog.product import Product
from skuflow.catalog.units import even_text, units

_CM_PER_M = 100.0
_LARGEST_CM = 1000.0
_SMALLEST_CM = 0.1
_VALUE_LIMIT_CHARS = 200


class _Axis(StrEnum):
    WIDTH = "width"
    LENGTH = "length"
    DEPTH = "depth"
    HEIGHT = "height"
    PART = "part"
    """The width of a part only (rim, base, pot): less than the whole product's."""


_AXES: tuple[tuple[_Axis, str], ...] = (
    (_Axis.PART, r"杯口|口径|底座|底径|盆径|盆口|瓶口|base|rim|pot diameter|mouth"),
    (_Axis.HEIGHT, r"高|height|tall|\bh\b"),
    (_Axis.WIDTH, r"宽|直径|径|φ|ø|∅|width|diameter|wide|\bdia\b|\bw\b"),
    (_Axis.DEPTH, r"深|厚|depth|deep|thick|\bd\b"),
    (_Axis.LENGTH, r"长|length|long|\bl\b"),
)
_OTHER_THINGS = re.compile(
    r"收纳|折叠后|收起|包装|箱规|外箱|线长|座高|座宽|座深|盆高|适用|床|屏|绳|拉带|颈圈|镜片|表盘|表带|包裹"
    r"|fold|pack|packag|box|carton|cable|cord|seat|screen|strap|blade|shipping|stored|storage|compatible|coverage",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    r"展开|整体|总|外形|打开|最大|overall|assembled|unfold|expanded|open|total|max", re.IGNORECASE
)
_SIZE_NAME = re.compile(r"尺寸|大小|规格|体积|size|dimension|measure", re.IGNORECASE)

_NUMBER = r"\d+(?:[.,]\d+)?"
_UNIT = r"厘米|公分|毫米|公尺|英寸|英尺|米|inches|inch|feet|foot|cm|mm|ft|in|m|''|\""
_TOKEN = re.compile(
    rf"(?P<before>[^\d]*?)(?P<number>{_NUMBER})(?:\s*(?:/|-|–|~|至|到)\s*(?P<upper>{_NUMBER}))?"
    rf"\s*(?P<unit>(?:{_UNIT})(?:(?<![a-z])|(?![a-z])))?(?P<after>\s*[wdhl]\b)?",
    re.IGNORECASE,
)
_TIMES = re.compile(r"[×x*✕✖]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Length:
    number: float
    unit: str | None
    axis: _Axis | None
    joined: bool
    """Whether a multiplication sign stands between it and the length before."""

    def cm(self) -> float | None:
        if self.unit is None:
            return None
        length = round(self.number * (units()[self.unit][1] * _CM_PER_M), 2)
        return length if _SMALLEST_CM <= length <= _LARGEST_CM else None


@dataclass(frozen=True, slots=True)
class _Size:
    """What one attribute says; ``rank`` 0 = the whole product said to be so, 1 = the product, 2 = part of
    it.
    """

    rank: int
    width: float | None = None
    height: float | None = None
    part_width: float | None = None


def product_size_cm(product: Product) -> tuple[float | None, float | None]:
    """(width, height) in cm of the product as it stands in the photo, None for what the attributes do not
    say.

    Three lengths are taken as width x depth x height, two as width x height, unless they are labelled. The
    overall or unfolded size goes before the plain one; folded, packed and parts' sizes (seat, cable, screen)
    are not the product's. A rim, base or pot is narrower than the product, so its width counts only where no
    height is known. A number without a unit, in the value or in the attribute's name, says nothing. Of sizes
    in a list, the first counts; of a range, the larger end.
    """
    sizes = sorted(_sizes(product.attributes.items()), key=lambda size: size.rank)
    width = next((size.width for size in sizes if size.width is not None), None)
    height = next((size.height for size in sizes if size.height is not None), None)
    if width is None and height is None:
        width = next((size.part_width for size in sizes if size.part_width is not None), None)
    return width, height


def _sizes(attributes: Iterable[tuple[str, str]]) -> Iterator[_Size]:
    for raw_name, raw_value in attributes:
        name = even_text(raw_name).replace("_", " ").casefold()
        if _OTHER_THINGS.search(name):
            continue
        axis = _axis(name)
        if axis is None and not _SIZE_NAME.search(name):
            continue
        value = even_text(raw_value[:_VALUE_LIMIT_CHARS]).casefold()
        lengths = [length for length in _lengths(value, _unit_in_name(name)) if length.cm() is not None]
        size = _read(lengths, axis)
        if size is not None:
            yield replace(size, rank=0 if _WHOLE.search(name) else 1)


def _axis(label: str) -> _Axis | None:
    return next((axis for axis, pattern in _AXES if re.search(pattern, label, re.IGNORECASE)), None)


def _unit_in_name(name: str) -> str | None:
    match = re.search(rf"[(\[ ]({_UNIT})[)\]]?$", name)
    return match[1] if match else None


def _lengths(value: str, default_unit: str | None) -> list[_Length]:
    """The lengths of the first size in ``value``; parts that speak of something else are passed over."""
    lengths: list[_Length] = []
    for match in _TOKEN.finditer(value):
        before = match["before"]
        if _OTHER_THINGS.search(before):
            continue
        numbers = [float(number.replace(",", ".")) for number in (match["number"], match["upper"]) if number]
        slash = "/" in value[match.end("number") : match.start("upper")] if match["upper"] else False
        axis = _axis(match["after"] or "") or _axis(before)
        joined = bool(_TIMES.search(before)) and bool(lengths)
        if lengths and not joined and axis is None:
            break
        lengths.append(_Length(numbers[0] if slash else max(numbers), match["unit"], axis, joined))
    return _with_units(lengths, default_unit)


def _with_units(lengths: list[_Length], default_unit: str | None) -> list[_Length]:
    """A size such as 52 x 52 x 91 cm names its unit once, at the end."""
    unit = default_unit
    filled = []
    for length in reversed(lengths):
        unit = length.unit or unit
        filled.append(replace(length, unit=unit))
    return filled[::-1]


def _read(lengths: list[_Length], name_axis: _Axis | None) -> _Size | None:
    if not lengths:
        return None
    if len(lengths) == 1 and lengths[0].axis is None:
        return _labelled([replace(lengths[0], axis=name_axis)]) if name_axis else None
    if any(length.axis for length in lengths):
        return _labelled(_complete(lengths))
    group = [lengths[0], *(length for length in lengths[1:] if length.joined)]
    if len(group) in (2, 3):
        return _Size(1, width=group[0].cm(), height=group[-1].cm())
    return None


def _complete(lengths: list[_Length]) -> list[_Length]:
    """A joined length without a label after one with a label: "Φ34 x 3 cm" is a diameter and a height."""
    missing = [
        axis for axis in (_Axis.WIDTH, _Axis.HEIGHT) if axis not in {length.axis for length in lengths}
    ]
    complete = []
    for length in lengths:
        if length.axis is None and length.joined and missing:
            length = replace(length, axis=missing.pop(0))
        complete.append(length)
    return complete


def _labelled(lengths: list[_Length]) -> _Size | None:
    by_axis: dict[_Axis, float | None] = {}
    for length in lengths:
        if length.axis is not None:
            by_axis.setdefault(length.axis, length.cm())
    height = by_axis.get(_Axis.HEIGHT)
    width = by_axis.get(_Axis.WIDTH)
    length_cm = by_axis.get(_Axis.LENGTH)
    if length_cm is not None and height is not None:
        width = max(length_cm, width or 0.0)
    elif length_cm is not None and width is not None:
        width, height = length_cm, width
    part_width = by_axis.get(_Axis.PART)
    if width is None and height is None and part_width is None:
        return None
    return _Size(1, width, height, part_width)
