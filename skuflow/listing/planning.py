"""From a product and a brief to the parts of its kit, and from those to requests.

Pure: nothing is read, made or paid here, so a plan can be priced, compared and thrown away.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skuflow.catalog.dimensions import product_size_cm
from skuflow.catalog.kinds import kinds
from skuflow.catalog.product import Product
from skuflow.jobs.contract import (
    DEFAULT_MARKETPLACE,
    CopyRequest,
    ImageRequest,
    SceneFrame,
    Slot,
    VideoRequest,
)
from skuflow.listing.brief import MAIN_SIZES_PX, VIDEO_SIZES_PX, Brief, Stage
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Finding
from skuflow.listing.markets import languages_for
from skuflow.listing.storyboard import Storyboard, make_storyboard
from skuflow.listing.styles import Style, choose_styles, market_style_finding
from skuflow.listing.styles import style as style_named
from skuflow.storage.objects import StoredObject
from skuflow.studio.framing import ProductSize, fits_scene, shows_well
from skuflow.studio.scenes import load_scenes

_GENERATION = 1
"""Raised when kits should be assembled anew from the parts they have; the parts themselves are kept."""


@dataclass(frozen=True, slots=True)
class KitPlan:
    """All parts that one product's kit can have under a brief, in the order in which they are made.

    ``brief.stages`` says which of them this run makes; the others may have been made before. ``scenes`` and ``videos``
    pair each slot with its style and with its size in pixels. ``width_cm`` and ``height_cm`` are the product's true
    size where the catalog tells it. ``findings`` are about the row and the wishes.
    """

    product: Product
    brief: Brief
    copy_slots: tuple[Slot, ...]
    main: Slot
    scenes: tuple[tuple[Slot, Style], ...]
    videos: tuple[tuple[Slot, tuple[int, int]], ...]
    width_cm: float | None
    height_cm: float | None
    findings: tuple[Finding, ...] = ()

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (*self.copy_slots, *self.image_slots, *self.video_slots)

    @property
    def image_slots(self) -> tuple[Slot, ...]:
        return (self.main, *(slot for slot, _ in self.scenes))

    @property
    def video_slots(self) -> tuple[Slot, ...]:
        return tuple(slot for slot, _ in self.videos)

    @property
    def wanted_slots(self) -> tuple[Slot, ...]:
        """The slots of the stages that this run makes."""
        by_stage = {
            Stage.COPY: self.copy_slots,
            Stage.IMAGES: self.image_slots,
            Stage.VIDEO: self.video_slots,
        }
        return tuple(slot for stage in Stage if stage in self.brief.stages for slot in by_stage[stage])

    @property
    def needs_picture(self) -> bool:
        """Whether a stage of this run works with the photo."""
        return Stage.IMAGES in self.brief.stages or Stage.VIDEO in self.brief.stages

    def made_for(self, photo_digest: str) -> dict[str, str]:
        """What each stage answers, as hex SHA-256 by stage name, and what the kit says of the product itself.

        Which languages, marketplaces or video shapes are asked for is not part of it: those are parts of their own.
        """
        brief, product = self.brief, self.product
        images: list[object] = [
            photo_digest,
            [(slot.key(), style.id) for slot, style in self.scenes],
            brief.scene_sizes_px,
            [self.width_cm, self.height_cm],
        ]
        return {
            "product": _digest(
                [
                    product.facts_digest(),
                    str(product.price),
                    product.currency,
                    product.target_markets,
                    [finding.model_dump(mode="json") for finding in self.findings],
                ]
            ),
            Stage.COPY.value: _digest([product.facts_digest(), brief.scenes]),
            Stage.IMAGES.value: _digest(images),
            Stage.VIDEO.value: _digest([images, brief.video_s, brief.captions_language]),
        }


def _digest(facts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps([_GENERATION, *facts], ensure_ascii=False).encode()).hexdigest()


def plan_kit(product: Product, brief: Brief, row_findings: tuple[Finding, ...] = ()) -> KitPlan:
    """The parts of the product's kit; ``row_findings`` are what its catalog row gave rise to.

    Raises UnknownStyleError for a style that does not exist.
    """
    markets = brief.markets or product.target_markets
    width_cm, height_cm = product_size_cm(product)
    styles = _styles(product, brief, markets, ProductSize(width_cm, height_cm))
    sku = product.sku
    return KitPlan(
        product=product,
        brief=brief,
        copy_slots=_copy_slots(sku, brief),
        main=Slot(sku, "image:main"),
        scenes=tuple((Slot(sku, "image:scene", number), style) for number, style in enumerate(styles, 1)),
        videos=tuple(
            (Slot(sku, "video", VIDEO_SIZES_PX.index(size) + 1), size) for size in brief.video_sizes_px
        ),
        width_cm=width_cm,
        height_cm=height_cm,
        findings=(*row_findings, *_style_findings(brief.style or product.style, markets)),
    )


def _copy_slots(sku: str, brief: Brief) -> tuple[Slot, ...]:
    return tuple(
        Slot(sku, "copy", language=language, marketplace=marketplace)
        for marketplace in brief.marketplaces
        for language in brief.languages
    )


def _styles(product: Product, brief: Brief, markets: Sequence[str], size: ProductSize) -> tuple[Style, ...]:
    scenes = load_scenes()
    width_cm, height_cm = kinds()[product.kind].typical_size_cm if product.kind else (1.0, 1.0)
    if size.width_cm and size.height_cm:
        width_cm, height_cm = size.width_cm, size.height_cm
    return choose_styles(
        product.kind,
        tuple(markets),
        count=brief.scenes,
        wanted=brief.style or product.style,
        fits=lambda style: fits_scene(scenes[style.scene], size, width_cm / height_cm),
        shows_well=lambda style: shows_well(scenes[style.scene], size, width_cm / height_cm),
    )


def _style_findings(wanted: str | None, markets: Sequence[str]) -> list[Finding]:
    if not wanted:
        return []
    style = style_named(wanted)
    found = (market_style_finding(style, market) for market in markets)
    return [finding for finding in found if finding is not None]


def copy_request(plan: KitPlan, slot: Slot) -> CopyRequest:
    markets = plan.brief.markets or plan.product.target_markets
    speaking = (code for code in markets if slot.language in languages_for((code,)))
    return CopyRequest(
        slot=slot,
        product=plan.product,
        language=slot.language,
        marketplace=slot.marketplace or DEFAULT_MARKETPLACE,
        market=next(speaking, None),
        shots=plan.brief.scenes,
    )


def main_request(plan: KitPlan, slot: Slot, photo: StoredObject, cutout: StoredObject) -> ImageRequest:
    return ImageRequest(
        slot=slot, product=plan.product, photo=photo, cutout=cutout, style="", sizes_px=MAIN_SIZES_PX
    )


def scene_request(
    plan: KitPlan, slot: Slot, style: Style, photo: StoredObject, cutout: StoredObject
) -> ImageRequest:
    return ImageRequest(
        slot=slot,
        product=plan.product,
        photo=photo,
        cutout=cutout,
        style=style.id,
        prompt=style.prompt_en,
        sizes_px=plan.brief.scene_sizes_px,
        width_cm=plan.width_cm,
        height_cm=plan.height_cm,
    )


def storyboard_for(plan: KitPlan, styles: Sequence[str], copies: Mapping[str, ListingCopy]) -> Storyboard:
    """The storyboard of a product's video: one shot per style, with the captions that the copy stage wrote."""
    captions = {language: copy.captions for language, copy in copies.items() if copy.captions}
    return make_storyboard(tuple(styles), duration_s=plan.brief.video_s, captions=captions)


def video_request(
    plan: KitPlan,
    slot: Slot,
    size_px: tuple[int, int],
    frames: tuple[SceneFrame, ...],
    storyboard: Storyboard,
    photo: StoredObject,
    cutout: StoredObject,
) -> VideoRequest:
    return VideoRequest(
        slot=slot,
        product=plan.product,
        frames=frames,
        photo=photo,
        cutout=cutout,
        storyboard=storyboard,
        size_px=size_px,
        captions_language=plan.brief.captions_language,
        width_cm=plan.width_cm,
        height_cm=plan.height_cm,
    )
