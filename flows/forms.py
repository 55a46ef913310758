"""The fields of the forms in the Prefect UI: what a person may choose, in words that the person knows.

A field's choices stand in the JSON schema that Prefect keeps with the deployment, so its UI offers them and its API
refuses anything else before a run is made.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from flows.wishes import Wishes
from providers.registry import CAPABILITIES
from skuflow.catalog.extras import EXTENSIONS, ExtraWishes
from skuflow.jobs.contract import Capability
from skuflow.listing.brief import VIDEO_SIZES_PX, Brief, Stage
from skuflow.listing.markets import DEFAULT_LANGUAGES, markets
from skuflow.listing.motions import all_motions
from skuflow.listing.rules import known_marketplaces
from skuflow.listing.styles import all_styles

AS_CONFIGURED = "as configured"


def _choice(*values: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(values)})


def _able(capability: Capability) -> WithJsonSchema:
    return _choice(AS_CONFIGURED, *(name for name, able in CAPABILITIES.items() if capability in able))


def _sizes(sizes_px: tuple[tuple[int, int], ...]) -> list[str]:
    return [f"{width}x{height}" for width, height in sizes_px]


MarketChoice = Annotated[str, _choice(*markets())]
MarketplaceChoice = Annotated[str, _choice(*known_marketplaces())]
LanguageChoice = Annotated[str, _choice(*DEFAULT_LANGUAGES, "zh")]
CaptionsChoice = Annotated[str, _choice("", *DEFAULT_LANGUAGES, "zh")]
StyleChoice = Annotated[str, _choice("", *(style.id for style in all_styles()))]
SizeChoice = Annotated[str, _choice(*_sizes(VIDEO_SIZES_PX))]
MotionChoice = Annotated[str, _choice("", *(motion.id for motion in all_motions()))]
ExtensionChoice = Annotated[str, _choice("", *EXTENSIONS)]
_USUAL_LANGUAGES = ", ".join(DEFAULT_LANGUAGES)
_USUAL_SIZES = ", ".join(_sizes(Brief().video_sizes_px))
_STYLES = ", ".join(f"{style.id} {style.name_zh}" for style in all_styles())
_MOTIONS = ", ".join(f"{motion.id} {motion.name_zh}" for motion in all_motions())


class Makers(BaseModel):
    """Who does the work; "as configured" is what SKUFLOW_PROVIDERS and SKUFLOW_ROUTES say, "offline" costs nothing.
    由谁制作；as configured 即按 SKUFLOW_PROVIDERS 与 SKUFLOW_ROUTES，offline 不产生费用。
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    copy_by: Annotated[str, _able(Capability.COPY)] = Field(
        AS_CONFIGURED, title="Copy by 文案", description="Who writes the texts. 由谁写文案。"
    )
    images_by: Annotated[str, _able(Capability.IMAGE)] = Field(
        AS_CONFIGURED, title="Images by 图片", description="Who makes the scenes. 由谁制作场景图。"
    )
    video_by: Annotated[str, _able(Capability.VIDEO)] = Field(
        AS_CONFIGURED, title="Video by 视频", description="Who makes the video. 由谁制作视频。"
    )

    def overriding(self, configured: str) -> str:
        """SKUFLOW_PROVIDERS with these choices instead of those it names for a capability; the rest stays."""
        pairs = (part.partition("=") for part in configured.split(";") if part.strip())
        makers = {name.strip(): value.strip() for name, _, value in pairs} | self._chosen()
        return ";".join(f"{name}={value}" for name, value in makers.items())

    def routes_left(self, configured: str) -> str:
        """SKUFLOW_ROUTES without the rules of what is chosen here, which would outvote the choice; the rest stays."""
        chosen = self._chosen()
        return ";".join(
            rule for rule in configured.split(";") if rule.partition("[")[0].strip() not in chosen
        )

    def _chosen(self) -> dict[str, str]:
        made_by = {
            Capability.COPY: self.copy_by,
            Capability.IMAGE: self.images_by,
            Capability.VIDEO: self.video_by,
        }
        return {str(name): maker for name, maker in made_by.items() if maker != AS_CONFIGURED}


class Kits(BaseModel):
    """What to make of each product. Nothing chosen means the usual: copy, images and video for AliExpress in seven
    languages. 不选即按常规制作：速卖通、七种语言的文案、图片和视频。
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stages: list[Stage] = Field(
        [],
        title="Stages 步骤",
        description="Only these; none: copy, images and video. 只做所选步骤；不选则文案、图片、视频全做。",
    )
    markets: list[MarketChoice] = Field(
        [],
        title="Markets 目标市场",
        description="Countries, EU or SEA; none: those of the product's row. 国家、EU 或 SEA；不选则按商品行所写。",
    )
    marketplaces: list[MarketplaceChoice] = Field(
        [],
        title="Marketplaces 平台",
        description="Where it will be listed; none: AliExpress. 上架平台；不选为速卖通。",
    )
    languages: list[LanguageChoice] = Field(
        [],
        title="Languages 语言",
        description=f"Of the copy; none: {_USUAL_LANGUAGES}. 文案语言；不选为 {_USUAL_LANGUAGES}。",
    )
    style: StyleChoice = Field(
        "",
        title="Style 风格",
        description="A style that one scene must have; none: what suits product and market."
        f" 其中一张场景图的风格；不选则按商品和市场搭配。 {_STYLES}",
    )
    captions: CaptionsChoice = Field(
        "",
        title="Captions 字幕",
        description="Language of captions on the video; none: no captions. 视频字幕的语言；不选则无字幕。",
    )
    video_sizes: list[SizeChoice] = Field(
        [],
        title="Video shapes 视频尺寸",
        description=f"Width x height in pixels; none: {_USUAL_SIZES}. 宽 x 高（像素）；不选为 {_USUAL_SIZES}。",
    )
    motion: MotionChoice = Field(
        "",
        title="Motion 运镜",
        description="How things move in the video; none: what suits the product. 视频中的动态；不选则按商品搭配。"
        f" {_MOTIONS}",
    )
    extend: ExtensionChoice = Field(
        "",
        title="Extend the photo 扩图",
        description="A shape to which a vendor extends the photo (paid); none: not extended."
        " 由供应商将照片扩展到的比例（付费）；不选则不扩展。",
    )
    # No pattern: Prefect would answer with the regular expression. The run refuses what is no part in words.
    remake: list[Annotated[str, Field(max_length=300)]] = Field(
        [],
        title="Make again 重做",
        description="A SKU and a part, e.g. MUG-1:image:scene:2, MUG-1:copy:es or MUG-1:video. This is paid for again."
        " 写 SKU:部分；重做会再次付费。",
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
SkusField = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field()]
