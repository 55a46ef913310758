"""The fields of the forms in the Prefect UI: what a person may choose, in words that the person knows.

A field's choices stand in the JSON schema that Prefect keeps with the deployment, so its UI offers them and its API
refuses anything else before a run is made.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from flows.wishes import Wishes
from providers.registry import REGISTRY
from skuflow.catalog.extras import EXTENSIONS, ExtraWishes
from skuflow.listing.brief import VIDEO_SIZES_PX, Stage
from skuflow.listing.markets import DEFAULT_LANGUAGES, markets
from skuflow.listing.rules import known_marketplaces
from skuflow.listing.styles import all_styles

MAX_ROWS_CHARS = 300_000
"""Prefect takes 512 KiB of parameters; a Chinese character has three bytes, and a form is no place for thousands of
products."""

AS_CONFIGURED = "as configured"
OFFLINE = "offline"
_STUDIOS = tuple(name for name in REGISTRY if name != OFFLINE)


def _choice(*values: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(values)})


MarketChoice = Annotated[str, _choice(*markets())]
MarketplaceChoice = Annotated[str, _choice(*known_marketplaces())]
LanguageChoice = Annotated[str, _choice(*DEFAULT_LANGUAGES, "zh")]
CaptionsChoice = Annotated[str, _choice("", *DEFAULT_LANGUAGES, "zh")]
StyleChoice = Annotated[str, _choice("", *(style.id for style in all_styles()))]
SizeChoice = Annotated[str, _choice(*(f"{width}x{height}" for width, height in VIDEO_SIZES_PX))]
ExtensionChoice = Annotated[str, _choice("", *EXTENSIONS)]
ProviderChoice = Annotated[str, _choice(AS_CONFIGURED, OFFLINE, *_STUDIOS)]


class Makers(BaseModel):
    """Who does the work; "as configured" is what SKUFLOW_PROVIDERS says, "offline" costs nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    copy_by: ProviderChoice = Field(AS_CONFIGURED, title="Copy by 文案", description="Who writes the texts.")
    images_by: ProviderChoice = Field(
        AS_CONFIGURED, title="Images by 图片", description="Who makes the scenes."
    )
    video_by: ProviderChoice = Field(AS_CONFIGURED, title="Video by 视频", description="Who makes the video.")

    def overriding(self, configured: str) -> str:
        """SKUFLOW_PROVIDERS with these choices instead of those it names for a capability; the rest stays."""
        chosen = {"copy": self.copy_by, "image": self.images_by, "video": self.video_by}
        parts = dict(part.strip().split("=", 1) for part in configured.split(";") if "=" in part)
        parts.update({name: maker for name, maker in chosen.items() if maker != AS_CONFIGURED})
        return ";".join(f"{name}={makers}" for name, makers in parts.items())


class Kits(BaseModel):
    """What to make of each product. Nothing chosen means the usual: copy, images and video for AliExpress in seven
    languages. 不选即按常规制作：速卖通、七种语言的文案、图片和视频。
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stages: list[Stage] = Field(
        [], title="Stages 步骤", description="Only these; none: copy, images and video."
    )
    markets: list[MarketChoice] = Field(
        [], title="Markets 目标市场", description="Countries, EU or SEA; none: those of the product's row."
    )
    marketplaces: list[MarketplaceChoice] = Field(
        [], title="Marketplaces 平台", description="Where it will be listed; none: AliExpress."
    )
    languages: list[LanguageChoice] = Field(
        [], title="Languages 语言", description=f"Of the copy; none: {', '.join(DEFAULT_LANGUAGES)}."
    )
    style: StyleChoice = Field(
        "",
        title="Style 风格",
        description="A style that one scene must have; none: what suits product and market.",
    )
    captions: CaptionsChoice = Field(
        "", title="Captions 字幕", description="Language of captions on the video."
    )
    video_sizes: list[SizeChoice] = Field(
        [], title="Video shapes 视频尺寸", description="Width x height in pixels; none: all three."
    )
    motion: str = Field(
        "", title="Motion 动效", max_length=60, description="A motion preset of the video, e.g. rising_steam."
    )
    extend: ExtensionChoice = Field(
        "", title="Extend the photo 扩图", description="A shape to which a vendor extends the photo (paid)."
    )
    remake: list[Annotated[str, Field(max_length=200, pattern="^[^:]+:[a-z]+(:[0-9]+)?$")]] = Field(
        [],
        title="Make again 重做",
        description="SKU:ROLE or SKU:ROLE:SHOT, e.g. MUG-1:scene:2. This is paid for again.",
    )

    def wishes(self, skus: list[str]) -> Wishes:
        """The same as wishes, for these SKUs only where any are named."""
        return Wishes(
            skus=skus,
            stages=self.stages,
            markets=self.markets,
            marketplaces=self.marketplaces,
            languages=self.languages,
            style=self.style or None,
            video_sizes=self.video_sizes,
            captions=self.captions,
            extras=ExtraWishes(motion=self.motion, extend=self.extend),
            remake=self.remake,
        )


USUAL_KITS = Kits()
USUAL_MAKERS = Makers()

CatalogField = Annotated[str, Field(max_length=2_000)]
RowsField = Annotated[str, Field(max_length=MAX_ROWS_CHARS)]
SkusField = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field()]
