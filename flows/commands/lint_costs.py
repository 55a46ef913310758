"""What mending a library would cost: free where the studio does it, else at the provider's price."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from skuflow.jobs.contract import Capability, MicroCNY, Request, SceneFrame
from skuflow.ledger.rows import RowState
from skuflow.review.lint_fixes import FIX_WORDS, Fix
from skuflow.review.lint_report import LintFinding
from skuflow.storage.objects import StoredObject

if TYPE_CHECKING:
    from skuflow.listing.kit import Kit
    from tasks.wiring import Wiring

_COPY_BYTES_MOST = 8192


def cny(micro: MicroCNY) -> str:
    """As the ledger writes amounts; the ledger's code is loaded only where an amount is to be written."""
    if not micro:
        return "0"
    from skuflow.ledger.views import decimal_cny

    return decimal_cny(micro)


@dataclass(frozen=True, slots=True)
class Price:
    """What one generation costs; ``micro`` None where nobody can say. ``basis`` says where the figure is from."""

    micro: MicroCNY | None
    basis: str


@dataclass(slots=True)
class FixLine:
    """One kind of mending: ``units`` generations, or pieces of free or manual work."""

    fix: Fix
    capability: Capability | None
    severity: str
    units: int = 0
    skus: set[str] = field(default_factory=set)
    price: Price | None = None

    @property
    def micro(self) -> MicroCNY | None:
        """None where no price is known, or where the work is not skuflow's."""
        if self.price is not None:
            return None if self.price.micro is None else self.price.micro * self.units
        return None if self.by_hand else 0

    @property
    def by_hand(self) -> bool:
        """Whether no run can do it."""
        return self.fix in (Fix.PHOTO, Fix.HAND)

    @property
    def basis(self) -> str:
        if self.price is not None:
            return self.price.basis
        return "no work of skuflow" if self.micro is None else "free"

    def as_json(self) -> dict[str, object]:
        return {
            "fix": self.fix.value,
            "capability": self.capability.value if self.capability else None,
            "severity": self.severity,
            "units": self.units,
            "skus": len(self.skus),
            "cny": None if self.micro is None else cny(self.micro),
            "basis": self.basis,
            "remedy": FIX_WORDS[self.fix].en,
            "remedy_zh": FIX_WORDS[self.fix].zh,
        }


def fix_lines(findings: Iterable[LintFinding], prices: Callable[[Capability, str], Price]) -> list[FixLine]:
    """What is to be done, summed up. A part that breaks several rules is mended once, and for its gravest."""
    lines: dict[tuple[str, Fix, Capability | None], FixLine] = {}
    seen: set[tuple[str, str, str]] = set()
    ordered = sorted(findings, key=lambda finding: not finding.found.hard)
    anew = {(each.sku, each.found.part) for each in ordered if each.mending.capability is not None}
    for finding in ordered:
        mending = finding.mending
        # Made anew, a part is mended in every respect; it is not paid for each of them.
        if mending.fix in (Fix.RENDER, Fix.ENCODE) and (finding.sku, finding.found.part) in anew:
            continue
        work = mending.capability or mending.fix
        piece = (finding.sku, finding.found.part or finding.found.rule, work.value)
        if piece in seen:
            continue
        seen.add(piece)
        severity = "error" if finding.found.hard else "warning"
        key = (severity, mending.fix, mending.capability)
        line = lines.setdefault(key, FixLine(mending.fix, mending.capability, severity))
        line.units += max(1, mending.units)
        line.skus.add(finding.sku)
        if mending.capability is not None and line.price is None:
            line.price = prices(mending.capability, finding.sku)
    return [lines[key] for key in sorted(lines, key=lambda key: (key[0], key[1].value, key[2] or ""))]


class Prices:
    """Prices of new generations, each looked up once. ``open_wiring`` is called with the first of them."""

    def __init__(self, open_wiring: Callable[[], Wiring]) -> None:
        self._open = open_wiring
        self._wiring: Wiring | None = None
        self._known: dict[Capability, Price] = {}

    def of(self, capability: Capability, sku: str) -> Price:
        """The median of what jobs of that kind settled at with the provider in use; without such, its estimate for the
        kit of ``sku``.
        """
        if capability not in self._known:
            self._wiring = self._wiring or self._open()
            self._known[capability] = _price(self._wiring, capability, sku)
        return self._known[capability]

    def close(self) -> None:
        if self._wiring is not None:
            self._wiring.close()


def _price(wiring: Wiring, capability: Capability, sku: str) -> Price:
    from skuflow.jobs.errors import ProviderError
    from skuflow.listing.assembly import read_kit

    kit = read_kit(sku, wiring.store)
    request = None if kit is None else _request(kit, capability)
    if request is None:
        return Price(None, "unknown")
    try:
        offer = wiring.offers(request)[0]
    except ProviderError as error:
        return Price(None, f"unknown: {error}")
    name = offer.provider.name
    if not offer.provider.paid:
        return Price(0, f"{name} is free")
    settled = [
        row.settled_micro
        for row in wiring.ledger.iter_jobs(state=RowState.SETTLED)
        if (row.provider, row.capability) == (name, capability.value) and row.settled_micro
    ]
    if settled:
        return Price(int(statistics.median(settled)), f"median of {len(settled)} settled jobs of {name}")
    return Price(offer.expected.likely, f"estimate of {name}")


def _request(kit: Kit, capability: Capability) -> Request | None:
    """A request such as would be made for the kit's product, with stand-ins for what is in storage."""
    from skuflow.listing.brief import Brief
    from skuflow.listing.planning import copy_request, plan_kit, scene_request, storyboard_for, video_request

    plan = plan_kit(kit.product, Brief())
    photo = StoredObject(key="", sha256="", size_bytes=_COPY_BYTES_MOST, media_type="image/jpeg")
    styles = [style.id for _, style in plan.scenes]
    if capability is Capability.COPY:
        return copy_request(plan, plan.copy_slots[0])
    if capability is Capability.IMAGE and plan.scenes:
        slot, style = plan.scenes[0]
        return scene_request(plan, slot, style, photo, photo)
    if capability is Capability.VIDEO and plan.videos and styles:
        slot, size = plan.videos[0]
        frames = tuple(SceneFrame(style=style, picture=photo, provider="") for style in styles)
        make = partial(video_request, plan, slot, size, frames)
        return make(storyboard_for(plan, styles, {}), photo, photo)
    return None
