"""A person's wishes, from the command line or from the form in the Prefect UI."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from skuflow.catalog.extras import EXTENSIONS, ExtraWishes
from skuflow.listing.brief import Brief, BriefError, Stage
from skuflow.listing.markets import market as market_named
from skuflow.listing.motions import motion_for
from skuflow.listing.rules import text_limits
from skuflow.listing.styles import style as style_named


class Wishes(BaseModel):
    """Empty lists and fields mean the usual: all stages, the product's own markets, AliExpress, seven languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    skus: list[str] = Field(default_factory=list, title="SKUs", description="Only these SKUs; empty: all.")
    stages: list[Stage] = Field(
        default_factory=list, description="Only these stages; empty: copy, images, video."
    )
    markets: list[str] = Field(default_factory=list, description="ISO 3166 codes, EU or SEA, e.g. ES, BR.")
    marketplaces: list[str] = Field(default_factory=list, description="e.g. aliexpress, amazon, tiktok_shop.")
    languages: list[str] = Field(default_factory=list, description="e.g. en, es, fr, pt, ru, de, ja.")
    style: str | None = Field(
        default=None, description="A style that one scene must have, e.g. fast_fashion."
    )
    video_sizes: list[str] = Field(default_factory=list, description="1080x1920, 1080x1080, 1920x1080.")
    captions: str = Field(default="", description="Language of captions on the video; empty: none.")
    extras: ExtraWishes = Field(
        default=ExtraWishes(), description="Model swap, line art, concept picture, atmosphere shot, motion."
    )
    remake: list[str] = Field(default_factory=list, description="SKU:ROLE[:SHOT] to make again on purpose.")

    def brief(self) -> Brief:
        """The wishes, checked. Raises BriefError, UnknownMarketError, UnknownMarketplaceError, UnknownStyleError,
        UnknownMotionError.
        """
        for marketplace in self.marketplaces:
            text_limits(marketplace)
        usual = Brief()
        return Brief(
            stages=tuple(stage for stage in Stage if not self.stages or stage in self.stages),
            markets=tuple(market_named(market).code for market in self.markets),
            marketplaces=tuple(self.marketplaces) or usual.marketplaces,
            languages=tuple(self.languages) or usual.languages,
            style=style_named(self.style).id if self.style else None,
            video_sizes_px=tuple(_size(size) for size in self.video_sizes) or usual.video_sizes_px,
            captions_language=self.captions,
            extras=self._checked_extras(),
        )

    def _checked_extras(self) -> ExtraWishes:
        extras = self.extras
        for file in extras.files:
            if not Path(file).is_file():
                raise BriefError(
                    f"{file}: no such file; name the picture of the model or the line drawing",
                    message_zh=f"{file}：没有该文件；请填写模特照片或线稿的文件",
                )
        if extras.extend and extras.extend not in EXTENSIONS:
            raise BriefError(
                f"no photo can be extended to {extras.extend}; choose from {', '.join(EXTENSIONS)}",
                message_zh=f"图片不能扩展为 {extras.extend}；可选：{'、'.join(EXTENSIONS)}",
            )
        if not extras.motion:
            return extras
        return replace(extras, motion=motion_for(None, "", extras.motion).id)


USUAL = Wishes()


def _size(text: str) -> tuple[int, int]:
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdigit() and height.isdigit()):
        raise BriefError(
            f"{text!r} is no size; write for example 1080x1920",
            message_zh=f"“{text}”不是尺寸；请填写如 1080x1920",
        )
    return int(width), int(height)
