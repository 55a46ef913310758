"""What a person asks for: which stages, for whom, in which languages and shapes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from skuflow.catalog.extras import NO_EXTRAS, ExtraWishes
from skuflow.jobs.contract import DEFAULT_MARKETPLACE, ImageTask
from skuflow.listing.markets import DEFAULT_LANGUAGES
from skuflow.refusals import RefusalError

SCENE_SIZES_PX = ((800, 800), (1200, 630), (1920, 600), (1080, 1920))
"""Marketplace square, link preview, banner, and the video's first frame."""
MAIN_SIZES_PX = ((1600, 1600), (800, 800))
"""Large enough to zoom (Amazon asks for 1000 px), and the size that AliExpress shows."""
VIDEO_SIZES_PX = ((1080, 1920), (1080, 1080), (1920, 1080))
"""The shapes a video can have, in the order that numbers them: video:1, video:2, video:3."""
SCENES = 3
VIDEO_ATMOSPHERE = "atmosphere"
_ROLES = {
    "copy": (),
    "image": ("main", "scene", *ImageTask, "extended"),
    "video": (VIDEO_ATMOSPHERE,),
    "judge": (),
}
_GROUPS = frozenset((*_ROLES, *(f"{stem}:{role}" for stem, roles in _ROLES.items() for role in roles)))
"""What ``--remake`` takes for several parts at once."""
_WHERE = "(form: Make again, command line: --remake)"
"""A wish to make something again may come from either; its sentence is the same."""
_WHERE_ZH = "（表单“重做”栏，命令行 --remake）"
_BCP_47 = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2}|-[0-9]{3})?")


class Stage(StrEnum):
    COPY = "copy"
    IMAGES = "images"
    VIDEO = "video"

    @classmethod
    def parse(cls, name: str) -> Stage:
        """A stage by its name; "image" and "videos" are understood too. Raises BriefError."""
        cleaned = name.strip().lower()
        for stage in cls:
            if cleaned in (stage.value, stage.value.rstrip("s"), f"{stage.value}s"):
                return stage
        raise BriefError(
            f"there is no stage {name!r}; stages are {', '.join(cls)}",
            message_zh=f"没有名为“{name}”的步骤；可选：{'、'.join(cls)}",
        )


class BriefError(RefusalError):
    """A wish that cannot be met as written; one line that names it and the choices."""


@dataclass(frozen=True, slots=True)
class Brief:
    """One run's wishes, the same for every SKU of it. ``markets`` empty: each product's own target markets. ``judged``:
    a model is asked for its opinion on copy and scenes.
    """

    stages: tuple[Stage, ...] = tuple(Stage)
    markets: tuple[str, ...] = ()
    marketplaces: tuple[str, ...] = (DEFAULT_MARKETPLACE,)
    languages: tuple[str, ...] = DEFAULT_LANGUAGES
    style: str | None = None
    scenes: int = SCENES
    video_sizes_px: tuple[tuple[int, int], ...] = VIDEO_SIZES_PX[:1]
    video_s: float = 5.0
    captions_language: str = ""
    extras: ExtraWishes = NO_EXTRAS
    judged: bool = False

    def __post_init__(self) -> None:
        for size in self.video_sizes_px:
            if size not in VIDEO_SIZES_PX:
                known = ", ".join(f"{width}x{height}" for width, height in VIDEO_SIZES_PX)
                raise BriefError(
                    f"no video of {size[0]}x{size[1]} can be made; sizes are {known}",
                    message_zh=f"不能制作 {size[0]}x{size[1]} 的视频；可选尺寸：{known}",
                )
        for language in self.languages:
            if not _BCP_47.fullmatch(language):
                raise BriefError(
                    f"{language!r} is no language; write for example en, pt or zh-Hant",
                    message_zh=f"“{language}”不是语言代码；请填写如 en、pt、zh-Hant",
                )
        if not self.stages:
            raise BriefError(
                f"no stage is asked for; stages are {', '.join(Stage)}",
                message_zh=f"没有选择步骤；可选：{'、'.join(Stage)}",
            )
        if self.captions_language and self.captions_language not in self.languages:
            raise BriefError(
                f"captions in {self.captions_language!r} need copy in that language; languages are "
                f"{', '.join(self.languages)}",
                message_zh=f"字幕语言 {self.captions_language} 须同时有该语言的文案；"
                f"本次的语言：{'、'.join(self.languages)}",
            )

    @property
    def scene_sizes_px(self) -> tuple[tuple[int, int], ...]:
        """The shapes of each scene image; every video's shape is among them, since its first frame is one."""
        return tuple(dict.fromkeys((*SCENE_SIZES_PX, *self.video_sizes_px)))

    def digest(self) -> str:
        """Hex SHA-256 of everything that decides what the parts contain; not of which stages run."""
        wishes = {name: value for name, value in asdict(self).items() if name != "stages"}
        return hashlib.sha256(json.dumps(wishes, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Remakes:
    """Parts to make again on purpose: per SKU, names of parts and of groups of parts, casefolded.

    A group takes in all of its parts; any other name is that of one part, so that "copy:es" is not
    "copy:es:amazon", which would be paid as well.
    """

    by_sku: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def parse(cls, wishes: tuple[str, ...], skus: frozenset[str]) -> Remakes:
        """``SKU:ROLE[:SHOT]`` as on the command line, e.g. "A-1:video", "A-1:image:scene:2", "A-1:scene:2".

        A SKU may itself contain colons: the longest known SKU that the wish begins with counts. Raises BriefError.
        """
        by_sku: dict[str, tuple[str, ...]] = {}
        for wish in wishes:
            owners = [sku for sku in skus if wish.startswith(f"{sku}:")]
            if not owners:
                raise BriefError(
                    f"{wish!r} names no SKU of this catalog; write SKU:ROLE[:SHOT], e.g. A-1:video {_WHERE}",
                    message_zh=f"“{wish}”中没有本商品表的 SKU；请写成“SKU:内容[:序号]”，如 A-1:video{_WHERE_ZH}",
                )
            sku = max(owners, key=len)
            part = wish[len(sku) + 1 :].strip().casefold()
            role = part.partition(":")[0]
            stem = next((stem for stem, roles in _ROLES.items() if role in roles), None)
            if stem is not None:
                part = f"{stem}:{part}"
            if (role not in _ROLES and stem is None) or part.endswith(":"):
                shapes = (
                    "copy[:LANGUAGE[:MARKETPLACE]]",
                    f"image[:{'|:'.join(_ROLES['image'])}[:NUMBER]]",
                    f"video[:{VIDEO_ATMOSPHERE}][:NUMBER]",
                )
                raise BriefError(
                    f"{wish!r}: {part!r} is no part; write {shapes[0]}, {shapes[1]} or {shapes[2]} {_WHERE}",
                    message_zh=f"“{wish}”：没有名为“{part}”的内容；请写 {'、'.join(shapes)}{_WHERE_ZH}",
                )
            by_sku[sku] = (*by_sku.get(sku, ()), part)
        return cls(by_sku)

    def wants(self, sku: str, part: str) -> bool:
        """Whether a part such as "image:scene:2" of a SKU is to be made again."""
        return any(_is_meant(part, wish) for wish in self.by_sku.get(sku, ()))

    def check(self, sku: str, parts: Iterable[str]) -> None:
        """Raises BriefError for a wish that is for none of ``parts``, which are all that this run makes of the SKU."""
        names = tuple(parts)
        for wish in self.by_sku.get(sku, ()):
            if not any(_is_meant(part, wish) for part in names):
                choices = f"the parts of {sku} are {', '.join(names)}" if names else f"{sku} has no parts"
                choices_zh = f"{sku} 的内容有 {'、'.join(names)}" if names else f"{sku} 没有任何内容"
                meant = f"{sku}:{wish}"
                raise BriefError(
                    f"{meant!r}: this run makes no such part; {choices} {_WHERE}",
                    message_zh=f"“{meant}”：本次运行不制作该内容；{choices_zh}{_WHERE_ZH}",
                )


def _is_meant(part: str, wish: str) -> bool:
    name = part.casefold()
    return name == wish or (wish in _GROUPS and name.startswith(f"{wish}:"))
