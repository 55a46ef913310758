"""What stands in the way of a product's video: its kit, its scenes, its photo, and what the ledger knows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from skuflow.catalog.intake import likely_photo_sha256, photo_digest
from skuflow.catalog.kept_photos import COPIES, with_photos
from skuflow.catalog.product import Product
from skuflow.jobs.contract import DEFAULT_MARKETPLACE, SceneFrame, Slot, VideoRequest
from skuflow.jobs.errors import InvalidInputError
from skuflow.jobs.router import Offer
from skuflow.ledger.attempts import Step, Wish, next_step
from skuflow.listing.assembly import read_kit
from skuflow.listing.brief import Brief, BriefError, Stage
from skuflow.listing.findings import Finding
from skuflow.listing.kit import ImageRole, Kit, KitImage, KitStatus, PartState
from skuflow.listing.markets import UnknownMarketError
from skuflow.listing.planning import JUDGE, KitPlan, plan_kit, storyboard_for, video_request
from skuflow.listing.styles import UnknownStyleError, style
from skuflow.review.wording import Wording
from skuflow.storage.objects import StoredObject
from tasks.wiring import Wiring

VIDEO_PX = (1080, 1920)
"""TikTok's shape, upright; the length is the brief's 5 s."""
_SIZE = f"{VIDEO_PX[0]}x{VIDEO_PX[1]}"
_ABOUT_THE_ROW = ("ROW_", "SKU_", "NAME_", "LINK_")
"""Findings that only the catalog can give rise to: a kit keeps those it has."""


NOTHING = Wording("", "")


class Bar(StrEnum):
    """Why a product gets no video now."""

    NO_KIT = "no_kit"
    TURNED_DOWN = "turned_down"
    BLOCKED = "blocked"
    HAS_VIDEO = "has_video"
    NO_SCENE = "no_scene"
    INCOMPLETE = "incomplete"
    NO_PHOTO = "no_photo"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class VideoWork:
    """A video that can be made. ``offers``: who can make it, preferred first; none where it is paid for already and
    only has to be fetched or put into the kit. ``made_for`` is what the kit will say it answers.
    """

    kit: Kit
    plan: KitPlan
    made_for: dict[str, str]
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """``work`` where the video can be made, else ``bar`` and ``reason``."""

    kit: Kit | None = None
    work: VideoWork | None = None
    bar: Bar | None = None
    reason: Wording = NOTHING


def look_at(sku: str, wiring: Wiring) -> Standing:
    """Whether the SKU's video can be made from what its kit has. Reads storage and ledger, spends nothing."""
    kit = read_kit(sku, wiring.store)
    if kit is None:
        return _barred(None, Bar.NO_KIT, "no kit yet; run its catalog first", "尚无素材包；请先运行其商品表")
    barred = _barred_by_kit(kit)
    if barred is not None:
        return barred
    product = with_photos(kit.product, wiring.store, wiring.settings.skuflow_home / COPIES)
    if not product.images:
        return _barred(
            kit,
            Bar.NO_PHOTO,
            "its photo is neither at hand nor in storage; run its catalog again",
            "原图不在本机也不在存储中；请重新运行其商品表",
        )
    try:
        plan = plan_of(kit, product)
    except (UnknownStyleError, UnknownMarketError, BriefError) as error:
        return _barred(kit, Bar.REFUSED, str(error), f"素材包的风格、市场或语言已不存在：{error}")
    return _priced(kit, plan, wiring)


def _barred_by_kit(kit: Kit) -> Standing | None:
    if any((video.width, video.height) == VIDEO_PX and video.content_type == "video" for video in kit.videos):
        return _barred(kit, Bar.HAS_VIDEO, "has its video already", "已有视频")
    if kit.status is KitStatus.REJECTED:
        return _barred(kit, Bar.TURNED_DOWN, "a person turned its kit down", "素材包已被人工驳回")
    if kit.status is KitStatus.BLOCKED:
        return _barred(
            kit, Bar.BLOCKED, "its kit is blocked; see the kit's findings", "素材包被拦截；见其问题列表"
        )
    if not frames_of(kit):
        return _barred(
            kit,
            Bar.NO_SCENE,
            f"its kit has no scene image of {_SIZE}; run the images stage first",
            f"素材包没有 {_SIZE} 的场景图；请先运行图片步骤",
        )
    video = Slot(kit.sku, "video").part
    open_ = [
        part.part
        for part in kit.parts
        if part.state in (PartState.WAITING, PartState.FAILED)
        and part.part != video
        and not part.part.startswith(JUDGE)
    ]
    if open_:
        names = ", ".join(open_[:3])
        return _barred(
            kit,
            Bar.INCOMPLETE,
            f"its kit is not complete ({names}); run its catalog",
            f"素材包不完整（{names}）",
        )
    return None


def frames_of(kit: Kit) -> tuple[KitImage, ...]:
    """The kit's scenes that have a picture in the video's shape; the first is the video's first frame."""
    return tuple(
        image
        for image in kit.images
        if image.role is ImageRole.SCENE
        and image.content_type in ("", "scene")
        and image.style
        and any((file.width, file.height) == VIDEO_PX for file in image.renditions)
    )


def plan_of(kit: Kit, product: Product) -> KitPlan:
    """The plan that the kit's own parts answer, and the upright video beside them. What the run that made the kit was
    asked for is not known any more, so its parts say it: its scenes in their styles, its copy. Nothing but the video is
    made by this plan. Raises UnknownStyleError.
    """
    usual = Brief()
    brief = Brief(
        stages=(Stage.VIDEO,),
        video_sizes_px=(VIDEO_PX,),
        markets=_markets_of(kit, product),
        marketplaces=tuple(dict.fromkeys(copy.marketplace for copy in kit.copy_)) or usual.marketplaces,
        languages=tuple(dict.fromkeys(copy.language for copy in kit.copy_)) or usual.languages,
    )
    row = tuple(finding for finding in kit.findings if finding.code.startswith(_ABOUT_THE_ROW))
    plan = plan_kit(product, brief, _once(row))
    scenes = tuple(
        (Slot(kit.sku, "image:scene", int(image.id.rpartition(":")[2])), style(image.style))
        for image in kit.images
        if image.role is ImageRole.SCENE and image.content_type in ("", "scene") and image.style
    )
    copies = [part.part for part in kit.parts if part.part.startswith("copy:")]
    return replace(
        plan,
        copy_slots=tuple(_copy_slot(kit.sku, part) for part in copies),
        scenes=tuple(sorted(scenes, key=lambda scene: scene[0].shot)),
        atmosphere=None,
    )


def _markets_of(kit: Kit, product: Product) -> tuple[str, ...]:
    """The markets that the kit was made for, where they are more than the product's own (those are not repeated): a
    video needs the label that the kit's pictures bear.
    """
    labelled = (market for image in kit.images for file in image.labelled for market in file.markets)
    written = (copy.market for copy in kit.copy_ if copy.market)
    own = product.target_markets
    known = tuple(dict.fromkeys((*own, *labelled, *written)))
    return known if set(known) - set(own) else ()


def _copy_slot(sku: str, part: str) -> Slot:
    _, language, marketplace = (*part.split(":"), "")[:3]
    return Slot(sku, "copy", language=language, marketplace=marketplace or DEFAULT_MARKETPLACE)


def _once(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for index, finding in enumerate(findings) if finding not in findings[:index])


def _priced(kit: Kit, plan: KitPlan, wiring: Wiring) -> Standing:
    """Who would make it, unless the ledger has it already or will not have it made again."""
    slot = plan.videos[0][0]
    made_for = {**kit.made_for}
    made_for.setdefault(
        Stage.VIDEO.value, plan.made_for(photo_digest(plan.product, plan.extras))[Stage.VIDEO.value]
    )
    # A video is filmed from the kit's scenes: files that other parts were made of may be gone by now.
    work = VideoWork(kit, replace(plan, extras=plan.extras.without_files()), made_for)
    request = _request(kit, plan, slot, likely_photo_sha256(plan.product, wiring.store))
    try:
        offers = wiring.offers(request)
    except InvalidInputError as error:
        return _barred(kit, Bar.REFUSED, error.message, f"没有供应商能制作：{error.message}")
    preferred = offers[0]
    wish = Wish(preferred.request.fingerprint(), preferred.provider.name, preferred.provider.paid)
    known = wiring.ledger.find_slots([slot.key()]).get(slot.key())
    verdict = next_step(known, wish)
    if verdict.step is Step.REFUSE:
        return _barred(kit, Bar.REFUSED, verdict.sentence, f"不会自动重试：{verdict.sentence}")
    if verdict.step is Step.ATTEMPT:
        work = replace(work, offers=offers)
    return Standing(kit, work)


def _request(kit: Kit, plan: KitPlan, slot: Slot, photo_sha256: str) -> VideoRequest:
    """The request as it will be made, with stand-ins for what is in storage: it is only priced."""
    stand_in = StoredObject(key="", sha256=photo_sha256, size_bytes=0, media_type="image/jpeg")
    frames = tuple(
        SceneFrame(style=image.style or "", picture=stand_in, provider=image.provider)
        for image in frames_of(kit)
    )
    storyboard = storyboard_for(plan, [frame.style for frame in frames], {})
    return video_request(plan, slot, VIDEO_PX, frames, storyboard, stand_in, stand_in)


def _barred(kit: Kit | None, bar: Bar, en: str, zh: str) -> Standing:
    return Standing(kit, None, bar, Wording(en, zh))
