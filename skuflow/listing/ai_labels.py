"""Where AI content needs a label that people see: dated rules by market, and marketplaces that put it on themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import KitImage, KitVideo
from skuflow.listing.packaged_yaml import PackagedDataError, read_yaml
from skuflow.studio.labels.origin import Origin


class _MarketRule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    visible: bool
    text: str = ""
    text_height_ratio: float = Field(0.0, ge=0, le=0.5)
    video_s: float = Field(0.0, ge=0)
    effective_from: date
    mark: Literal["V", "S", "M", "H"]
    read_on: date
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _drawable(self) -> _MarketRule:
        if self.visible and not (self.text and self.text_height_ratio and self.video_s):
            raise ValueError("a visible label needs text, text_height_ratio and video_s")
        return self


class _MarketplaceRule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    mark: Literal["V", "S", "M", "H"]
    read_on: date
    source: str = Field(min_length=1)


class _AiLabels(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    markets: dict[str, _MarketRule]
    marketplaces: dict[str, _MarketplaceRule]


@dataclass(frozen=True, slots=True)
class VisibleLabel:
    """A label that people see: ``text`` in letters of ``text_height_ratio`` of the shorter side, in a video for its
    first ``video_s``; asked for in ``markets``.
    """

    text: str
    text_height_ratio: float
    video_s: float
    markets: tuple[str, ...]


def visible_label(markets: Sequence[str], day: date) -> VisibleLabel | None:
    """The label for content that goes to ``markets`` (codes) on ``day``; None where none of them asks for one."""
    asking = {
        market: rule
        for market, rule in _rules().markets.items()
        if rule.visible and market in markets and rule.effective_from <= day
    }
    if not asking:
        return None
    first = next(iter(asking.values()))
    return VisibleLabel(
        text=first.text,
        text_height_ratio=max(rule.text_height_ratio for rule in asking.values()),
        video_s=max(rule.video_s for rule in asking.values()),
        markets=tuple(asking),
    )


def labels_to_switch_on(
    marketplaces: Collection[str], images: Iterable[KitImage], videos: Iterable[KitVideo]
) -> tuple[Finding, ...]:
    """AI_LABEL_TO_SWITCH_ON (warning) for each of ``marketplaces`` that has the seller switch a label on for what a
    model drew, wholly or in part, with the names of those parts. The main image is a photo and never among them.
    """
    parts: tuple[KitImage | KitVideo, ...] = (*images, *videos)
    drawn = [part.id for part in parts if part.origin and Origin(part.origin).by_model]
    asking = [rule for name, rule in _rules().marketplaces.items() if name in marketplaces]
    return tuple(_to_switch_on(rule.name, ", ".join(drawn)) for rule in asking if drawn)


def _to_switch_on(name: str, parts: str) -> Finding:
    return Finding(
        code="AI_LABEL_TO_SWITCH_ON",
        severity=Severity.WARNING,
        subject=parts,
        message=f"drawn by a model, wholly or in part: switch {name}'s AI label on when you upload it, and see that the"
        " product's size, colour and features are the real ones",
        message_zh=f"全部或部分由模型绘制：上传到 {name} 时请打开其 AI 内容标识，"
        "并确认商品的尺寸、颜色和功能与实物一致",
    )


@cache
def _rules() -> _AiLabels:
    path = Path(__file__).with_name("ai_labels.yaml")
    try:
        return _AiLabels.model_validate(read_yaml(path))
    except ValidationError as error:
        raise PackagedDataError(f"{path.name}: {error}") from error
