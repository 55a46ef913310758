"""Where AI content needs a label that people see: dated rules by market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from skuflow.listing.packaged_yaml import PackagedDataError, read_yaml


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
        for market, rule in _rules().items()
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


@cache
def _rules() -> dict[str, _MarketRule]:
    path = Path(__file__).with_name("ai_labels.yaml")
    try:
        return {
            market: _MarketRule.model_validate(entry) for market, entry in read_yaml(path)["markets"].items()
        }
    except ValidationError as error:
        raise PackagedDataError(f"{path.name}: {error}") from error
