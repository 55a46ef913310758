"""Whether the product as it is fits the markets it is meant for: style, mains voltage and plug."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from skuflow.catalog.gate.text_gate.contradictions import attributes_stating
from skuflow.catalog.gate.text_gate.figures import figures
from skuflow.catalog.gate.text_gate.words import folded
from skuflow.catalog.product import Product
from skuflow.listing.markets import Market, find_market
from skuflow.listing.packaged_yaml import read_yaml

_LEAST_MAINS_V = 90
"""Below this a voltage is that of a battery, a USB port or a car."""
_ADAPTER = re.compile(
    r"变压器|转换头|转换插头|adapter included|with adapter|travel adapter|plug adapter|converter"
)
_PLUGS = {
    re.compile(r"国标|中规|国规|中国标准|\bcn plug\b|chinese plug"): "ACI",
    re.compile(r"美规|美标|日规|\bus plug\b|\busa plug\b|american plug|\bjp plug\b|^us$"): "AB",
    re.compile(r"欧规|欧标|\beu plug\b|european plug|schuko|^eu$"): "CEF",
    re.compile(r"英规|英标|\buk plug\b|british plug|^uk$"): "G",
    re.compile(r"澳规|澳标|\bau plug\b|australian plug|^au$"): "I",
    re.compile(r"巴西规|巴西标|\bbr plug\b|brazilian plug"): "N",
}


@dataclass(frozen=True, slots=True)
class Mains:
    """The nominal voltages of a market, 220 and 240 V written as 230, and the letters of its plug types."""

    volts: tuple[float, ...]
    plugs: frozenset[str]


@dataclass(frozen=True, slots=True)
class VoltageGap:
    """``gap_ratio`` is the least difference between a voltage of the product and one of the market, by the smaller."""

    market: Market
    said: str
    mains: str
    gap_ratio: float


@dataclass(frozen=True, slots=True)
class PlugMismatch:
    market: Market
    said: str
    sockets: str


def voltage_gaps(product: Product, markets: Sequence[str]) -> Iterator[VoltageGap]:
    """How far the mains voltage that title or attributes name is from each market's; nothing where none is named."""
    stated = _mains_voltages(product)
    if stated is None or _names_adapter(product):
        return
    said, volts = stated
    for place, mains in _markets(markets):
        gaps = [_gap(low, high, nominal) for low, high in volts for nominal in mains.volts]
        yield VoltageGap(place, said, " / ".join(f"{volt:.0f} V" for volt in mains.volts), min(gaps))


def plug_mismatches(product: Product, markets: Sequence[str]) -> Iterator[PlugMismatch]:
    """The markets whose sockets take none of the plugs that the attributes name."""
    for value in attributes_stating("plug", product.attributes).values():
        text = folded(value)
        letters = {letter for pattern, plugs in _PLUGS.items() if pattern.search(text) for letter in plugs}
        if not letters or _names_adapter(product):
            continue
        for place, mains in _markets(markets):
            if not letters & mains.plugs:
                yield PlugMismatch(place, value, ", ".join(sorted(mains.plugs)))


def _gap(low: float, high: float, nominal: float) -> float:
    if low <= nominal <= high:
        return 0.0
    nearest = low if nominal < low else high
    # Rounded, so that 110 V against 100 V is ten per cent on every machine.
    return round(abs(nearest - nominal) / min(nearest, nominal), 4)


def _mains_voltages(product: Product) -> tuple[str, list[tuple[float, float]]] | None:
    """The mains voltages of the product as written, and each as a range; two values joined by a dash are one range."""
    named = tuple(attributes_stating("voltage", product.attributes).values())
    for text in (*named, *product.titles.values()):
        ranges: dict[str, list[float]] = {}
        for figure in figures(text):
            if figure.dimension == "voltage":
                ranges.setdefault(figure.written, []).append(_harmonised(figure.value))
        volts = [
            pair
            for written, values in ranges.items()
            if min(values) >= _LEAST_MAINS_V
            for pair in _ranges(written, values)
        ]
        if volts:
            return text.strip() if text in named else ", ".join(ranges), volts
    return None


def _ranges(written: str, values: list[float]) -> list[tuple[float, float]]:
    if "/" in written:
        return [(value, value) for value in values]
    return [(min(values), max(values))]


def _harmonised(volts: float) -> float:
    """220, 230 and 240 V are one voltage since IEC 60038."""
    return 230.0 if volts in (220.0, 230.0, 240.0) else volts


def _names_adapter(product: Product) -> bool:
    points = (point for texts in product.selling_points.values() for point in texts)
    return any(_ADAPTER.search(folded(text)) for text in (*product.attributes.values(), *points))


def _markets(codes: Sequence[str]) -> Iterator[tuple[Market, Mains]]:
    found = {place.code: place for place in map(find_market, codes) if place is not None}
    for code, place in found.items():
        if code in _mains():
            yield place, _mains()[code]


@cache
def _mains() -> Mapping[str, Mains]:
    entries = read_yaml(Path(__file__).with_name("mains.yaml"))
    return {
        code: Mains(tuple(map(float, entry["volts"])), frozenset(entry["plugs"]))
        for code, entry in entries.items()
    }
