"""The copy of one listing in one language, as every copy provider returns it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from skuflow.listing.findings import Finding, Severity


class ListingCopy(BaseModel):
    """Copy for one language and marketplace.

    ``facts_ratio`` is the share (0..1) of the product's facts (attributes and selling points) that this language
    carries; ``facts_used`` and ``facts_left_out`` name them as the catalog does, so that every sentence can be traced.
    ``video_script`` has one spoken line per storyboard shot, ``captions`` one short line to draw on each shot.
    ``origin`` says how it was made ("template", "model") and is shown to the reader of the kit.
    """

    model_config = ConfigDict(frozen=True)

    language: str
    marketplace: str
    market: str | None = None
    title: str
    bullets: tuple[str, ...] = Field(max_length=5)
    description: str
    keywords: tuple[str, ...]
    video_script: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    facts_ratio: float = Field(ge=0, le=1)
    facts_used: tuple[str, ...] = ()
    facts_left_out: tuple[str, ...] = ()
    origin: str
    findings: tuple[Finding, ...] = ()


def not_written(part: str, language: str, reason: str) -> Finding:
    """COPY_LANGUAGE, a warning, for copy in a language (BCP 47) that no provider in use can write; ``reason`` is the
    first one's sentence."""
    return Finding(
        code="COPY_LANGUAGE",
        severity=Severity.WARNING,
        subject=part,
        message=f"Copy in {language} was not written: {reason}.",
        message_zh=f"未生成 {language} 文案：当前文案供应商不支持该语言。"
        "请在 SKUFLOW_PROVIDERS 中为文案指定文本模型，或改用其他语言。",
        measured=language,
    )
