"""Which provider does what: preferred and fallback providers by capability, and rules that prefer others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from skuflow.catalog.product import Product
from skuflow.jobs.contract import Capability, Slot


class RouteError(Exception):
    """A rule that cannot be read; one line that quotes it and says what to write instead."""


_RULE = re.compile(r"\s*(?P<capability>\w+)\s*\[(?P<tests>[^\]]*)\]\s*=\s*(?P<names>[\w\s,-]+)")
_TEST = re.compile(r"\s*(?P<what>value|type|kind|market)\s*(?P<how>>=|<=|=|>|<)\s*(?P<to>[^,]+?)\s*")
_EXAMPLE = "image[value>=500]=jimeng;video[type=atmosphere]=hailuo"


@dataclass(frozen=True, slots=True)
class _Test:
    what: str
    how: str
    to: str

    def holds(self, slot: Slot, product: Product) -> bool:
        if self.what == "value":
            if product.price is None:
                return False
            difference = product.price - Decimal(self.to)
            return {
                ">=": difference >= 0,
                "<=": difference <= 0,
                ">": difference > 0,
                "<": difference < 0,
                "=": difference == 0,
            }[self.how]
        found: Sequence[str] = {
            "type": (slot.content_type,),
            "kind": (product.kind or "", product.category),
            "market": product.target_markets,
        }[self.what]
        return self.to.casefold() in (name.casefold() for name in found)


@dataclass(frozen=True, slots=True)
class RouteRule:
    """ "``providers`` are preferred for ``capability`` where all ``tests`` hold", as SKUFLOW_ROUTES says it."""

    capability: Capability
    tests: tuple[_Test, ...]
    providers: tuple[str, ...]

    def applies(self, slot: Slot, product: Product) -> bool:
        return slot.capability is self.capability and all(test.holds(slot, product) for test in self.tests)


def parse_routes(text: str) -> tuple[RouteRule, ...]:
    """The rules of ``SKUFLOW_ROUTES``: ``CAPABILITY[TEST,...]=PROVIDER,...;...``.

    Tests: ``value`` (the product's price, as its catalog gives it) with >= <= > < =; ``type`` (scene, model, line_art,
    concept, atmosphere, video, copy), ``kind`` (kind or category of the product), ``market`` with =.
    Raises RouteError.
    """
    return tuple(_rule(item) for item in text.split(";") if item.strip())


def _rule(item: str) -> RouteRule:
    match = _RULE.fullmatch(item)
    if match is None or match["capability"] not in set(Capability):
        raise RouteError(f"{item.strip()!r} is no rule; write for example {_EXAMPLE}")
    tests = tuple(_test(item, piece) for piece in match["tests"].split(","))
    names = tuple(name.strip() for name in match["names"].split(","))
    if not all(names):
        raise RouteError(f"{item.strip()!r} names no provider; write for example {_EXAMPLE}")
    return RouteRule(Capability(match["capability"]), tests, names)


def _test(item: str, piece: str) -> _Test:
    match = _TEST.fullmatch(piece)
    if match is None or (match["what"] != "value" and match["how"] != "="):
        raise RouteError(
            f"{piece.strip()!r} in {item.strip()!r} is no test; write value>=500, type=atmosphere,"
            " kind=mug or market=US"
        )
    if match["what"] == "value":
        try:
            Decimal(match["to"])
        except InvalidOperation as error:
            raise RouteError(f"{match['to']!r} in {item.strip()!r} is no number") from error
    return _Test(match["what"], match["how"], match["to"])


def candidates(
    slot: Slot, product: Product, rules: Sequence[RouteRule], standing: Sequence[str]
) -> tuple[str, ...]:
    """The providers to try for a slot, in order: those of the first rule that applies, then the standing ones."""
    preferred = next((rule.providers for rule in rules if rule.applies(slot, product)), ())
    return tuple(dict.fromkeys((*preferred, *standing)))
