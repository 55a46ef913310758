"""From a product and a brief to the parts of its kit, and from those to requests.

Nothing is read but the calendar, nothing made or paid here, so a plan can be priced, compared and thrown away.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from skuflow.catalog.dimensions import product_size_cm
from skuflow.catalog.extras import NO_EXTRAS, ExtraWishes
from skuflow.catalog.kinds import kinds
from skuflow.catalog.product import Product
from skuflow.jobs.contract import (
    DEFAULT_MARKETPLACE,
    CopyRequest,
    CreationRequest,
    ImageRequest,
    ImageTask,
    JudgeRequest,
    SceneFrame,
    Slot,
    VideoRequest,
)
from skuflow.listing.ai_labels import VisibleLabel, visible_label
from skuflow.listing.brief import MAIN_SIZES_PX, VIDEO_ATMOSPHERE, VIDEO_SIZES_PX, Brief, Stage
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.creation_prompts import creation_prompt
from skuflow.listing.findings import Finding
from skuflow.listing.fitting import product_group
from skuflow.listing.markets import languages_for
from skuflow.listing.motions import motion_for, unchanged
from skuflow.listing.rules.text import today
from skuflow.listing.rules.wanted import wanted_renditions
from skuflow.listing.storyboard import Storyboard, make_storyboard
from skuflow.listing.styles import Style, choose_styles
from skuflow.storage.objects import StoredObject
from skuflow.studio.framing import ProductSize, fits_scene, shows_well
from skuflow.studio.scenes import load_scenes

JUDGE = "judge:"
"""What the roles and part names of opinions begin with, before those of what is judged."""

_GENERATION = 2
"""Raised when kits should be assembled anew from the parts they have; the parts themselves are kept."""


@dataclass(frozen=True, slots=True)
class KitPlan:
    """All parts that one product's kit can have under a brief, in the order in which they are made.

    ``brief.stages`` says which of them this run makes; the others may have been made before. ``scenes`` and ``videos``
    pair each slot with its style and with its size in pixels. ``width_cm`` and ``height_cm`` are the product's true
    size where the catalog tells it. ``findings`` are about the row and the wishes. ``main`` is None, and there are no
    scenes and videos, for a product without a photo, of which only what ``creations`` names can be made.
    ``atmosphere`` is the mood video and ``extended`` the extended photo where one is asked for; ``extras`` are the
    wishes behind them. ``visible`` is the label that people must see on AI content in one of the markets.
    """

    product: Product
    brief: Brief
    copy_slots: tuple[Slot, ...]
    main: Slot | None
    scenes: tuple[tuple[Slot, Style], ...]
    videos: tuple[tuple[Slot, tuple[int, int]], ...]
    width_cm: float | None
    height_cm: float | None
    findings: tuple[Finding, ...] = ()
    creations: tuple[tuple[Slot, ImageTask], ...] = ()
    atmosphere: Slot | None = None
    extended: Slot | None = None
    extras: ExtraWishes = NO_EXTRAS
    visible: VisibleLabel | None = None

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (*self.copy_slots, *self.image_slots, *self.video_slots, *self.judged)

    @property
    def judged(self) -> dict[Slot, Slot]:
        """The slots of opinions, each with that of what is judged: copy and scenes, where the brief has them judged."""
        if not self.brief.judged:
            return {}
        slots = (*self.copy_slots, *(slot for slot, _ in self.scenes))
        return {replace(slot, role=f"{JUDGE}{slot.role}"): slot for slot in slots}

    @property
    def main_sizes_px(self) -> tuple[tuple[int, int], ...]:
        """The usual sizes of the main image, and what the wanted marketplaces ask for besides."""
        return self._sizes_px("main", MAIN_SIZES_PX, advised=True)

    @property
    def scene_sizes_px(self) -> tuple[tuple[int, int], ...]:
        """The sizes of every scene; a size is added only where a marketplace would take none of the usual ones."""
        return self._sizes_px("scene", self.brief.scene_sizes_px, advised=False)

    def _sizes_px(
        self, role: str, usual: tuple[tuple[int, int], ...], *, advised: bool
    ) -> tuple[tuple[int, int], ...]:
        wanted = wanted_renditions(
            self.brief.marketplaces,
            role,
            first_sizes_px=usual,
            advised=advised,
            category=product_group(self.product),
        )
        return tuple(rendition.size_px for rendition in wanted)

    @property
    def image_slots(self) -> tuple[Slot, ...]:
        main = () if self.main is None else (self.main,)
        extended = () if self.extended is None else (self.extended,)
        return (*main, *(slot for slot, _ in (*self.scenes, *self.creations)), *extended)

    @property
    def video_slots(self) -> tuple[Slot, ...]:
        mood = () if self.atmosphere is None else (self.atmosphere,)
        return (*(slot for slot, _ in self.videos), *mood)

    @property
    def all_videos(self) -> tuple[tuple[Slot, tuple[int, int]], ...]:
        """Every video with its size; the mood video is upright, whatever the others are."""
        if self.atmosphere is None:
            return self.videos
        return (*self.videos, (self.atmosphere, VIDEO_SIZES_PX[0]))

    @property
    def wanted_slots(self) -> tuple[Slot, ...]:
        """The slots of the stages that this run makes, and of the opinions on what they make."""
        by_stage = {
            Stage.COPY: self.copy_slots,
            Stage.IMAGES: self.image_slots,
            Stage.VIDEO: self.video_slots,
        }
        made = [slot for stage in Stage if stage in self.brief.stages for slot in by_stage[stage]]
        return (*made, *(opinion for opinion, slot in self.judged.items() if slot in made))

    @property
    def needs_picture(self) -> bool:
        """Whether a stage of this run works with the photo."""
        if self.main is None:
            return False
        return Stage.IMAGES in self.brief.stages or Stage.VIDEO in self.brief.stages

    def made_for(self, photo_digest: str) -> dict[str, str]:
        """What each stage answers, as hex SHA-256 by stage name, and what the kit says of the product itself.

        Which languages, marketplaces or video shapes are asked for is not part of it: those are parts of their own. Nor
        is where a file stands; ``photo_digest`` tells what is in the photos and in the files of extra wishes.
        """
        brief, product = self.brief, self.product
        named = dict.fromkeys(self.extras.named_files, True)
        extras: list[object] = [{**asdict(self.extras), **named}] if self.extras else []
        if self.visible:
            extras.append(asdict(self.visible))
        scenes: list[object] = [
            photo_digest,
            [(slot.key(), style.id) for slot, style in self.scenes],
            [self.width_cm, self.height_cm],
            *extras,
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
            Stage.IMAGES.value: _digest([*scenes, self.main_sizes_px, self.scene_sizes_px]),
            Stage.VIDEO.value: _digest([scenes, brief.video_s, brief.captions_language]),
        }


def _digest(facts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps([_GENERATION, *facts], ensure_ascii=False).encode()).hexdigest()


def plan_kit(product: Product, brief: Brief, row_findings: tuple[Finding, ...] = ()) -> KitPlan:
    """The parts of the product's kit; ``row_findings`` are what its catalog row gave rise to.

    Raises UnknownStyleError for a style that does not exist.
    """
    markets = brief.markets or product.target_markets
    extras = product.extras.over(brief.extras)
    pictured = bool(product.images) or not extras.without_photo
    width_cm, height_cm = product_size_cm(product)
    styles = _styles(product, brief, markets, ProductSize(width_cm, height_cm)) if pictured else ()
    sku = product.sku
    return KitPlan(
        product=product,
        brief=brief,
        copy_slots=_copy_slots(sku, brief),
        main=Slot(sku, "image:main") if pictured else None,
        scenes=tuple((Slot(sku, "image:scene", number), style) for number, style in enumerate(styles, 1)),
        videos=tuple(
            (Slot(sku, "video", VIDEO_SIZES_PX.index(size) + 1), size)
            for size in (brief.video_sizes_px if pictured else ())
        ),
        width_cm=width_cm,
        height_cm=height_cm,
        findings=row_findings,
        creations=_creations(sku, extras, pictured=pictured),
        atmosphere=Slot(sku, f"video:{VIDEO_ATMOSPHERE}") if extras.atmosphere and pictured else None,
        extended=Slot(sku, "image:extended") if extras.extend and pictured else None,
        extras=extras,
        visible=visible_label(markets, today()),
    )


def _creations(sku: str, extras: ExtraWishes, *, pictured: bool) -> tuple[tuple[Slot, ImageTask], ...]:
    wanted = {
        ImageTask.MODEL: pictured and bool(extras.model_photo or extras.model),
        ImageTask.LINE_ART: bool(extras.line_art),
        ImageTask.CONCEPT: bool(extras.concept),
    }
    return tuple((Slot(sku, f"image:{task}"), task) for task, asked in wanted.items() if asked)


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
        slot=slot, product=plan.product, photo=photo, cutout=cutout, style="", sizes_px=plan.main_sizes_px
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
        sizes_px=plan.scene_sizes_px,
        width_cm=plan.width_cm,
        height_cm=plan.height_cm,
    )


def extended_request(plan: KitPlan, slot: Slot, photo: StoredObject, cutout: StoredObject) -> ImageRequest:
    """The request for the product's photo with more ground around it; ``sizes_px`` only says its shape."""
    across, _, down = plan.extras.extend.partition(":")
    return ImageRequest(
        slot=slot,
        product=plan.product,
        photo=photo,
        cutout=cutout,
        style="",
        sizes_px=((int(across) * 100, int(down) * 100),),
        options={"extend": plan.extras.extend},
    )


def creation_request(
    plan: KitPlan,
    slot: Slot,
    task: ImageTask,
    *,
    photo: StoredObject | None,
    extras: Mapping[str, StoredObject],
) -> CreationRequest | None:
    """The request for a picture that a vendor creates; None while one of its pictures is not in storage.

    ``extras`` are the files of the wishes in storage, by field name.
    """
    wishes = plan.extras
    person = extras.get("model_photo") if wishes.model_photo else None
    pictures: dict[ImageTask, tuple[StoredObject | None, ...]] = {
        ImageTask.MODEL: (photo, person) if wishes.model_photo else (photo,),
        ImageTask.LINE_ART: (extras.get("line_art"),),
        ImageTask.CONCEPT: (),
    }
    found = tuple(picture for picture in pictures[task] if picture is not None)
    if len(found) < len(pictures[task]):
        return None
    description = {ImageTask.MODEL: wishes.model, ImageTask.CONCEPT: wishes.concept}.get(task, "")
    return CreationRequest(
        slot=slot,
        product=plan.product,
        task=task,
        pictures=found,
        description=description,
        prompt=creation_prompt(task, plan.product, description, has_person_photo=person is not None),
    )


def judge_request(
    plan: KitPlan, opinion: Slot, judged: StoredObject, photo: StoredObject | None
) -> JudgeRequest | None:
    """The request for an opinion on stored copy, or on a picture beside the product's photo; None without a photo."""
    if plan.judged[opinion] in plan.copy_slots:
        return JudgeRequest(slot=opinion, product=plan.product, text=judged)
    if photo is None:
        return None
    return JudgeRequest(slot=opinion, product=plan.product, picture=judged, reference=photo)


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
    """The request for the product's video, or for its mood video where ``slot`` is that of ``plan.atmosphere``."""
    mood = plan.extras.atmosphere if slot == plan.atmosphere else ""
    motion = motion_for(plan.product.kind, plan.product.category, plan.extras.motion)
    return VideoRequest(
        slot=slot,
        product=plan.product,
        frames=frames,
        photo=photo,
        cutout=cutout,
        storyboard=storyboard,
        size_px=size_px,
        captions_language=plan.brief.captions_language,
        prompt=f"{mood}. {unchanged('en')}" if mood else motion.prompt_en,
        motion=plan.extras.motion,
        description=mood,
        width_cm=plan.width_cm,
        height_cm=plan.height_cm,
    )
