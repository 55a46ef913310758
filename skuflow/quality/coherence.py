"""Whether image, title, keywords and description of a kit tell one story."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skuflow.catalog.kinds import kinds
from skuflow.catalog.product import Product
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.styles import find_style
from skuflow.quality.copy.agreement import disagreements
from skuflow.quality.copy.keywords import keywords_told_ratio
from skuflow.quality.copy.kind_names import has_names, kinds_named
from skuflow.quality.copy.lexicon import colours
from skuflow.quality.copy.mentions import Sense, mentions
from skuflow.quality.copy.passages import is_of_another_language, reading_languages
from skuflow.quality.scoring import MEASURE_DECIMALS

if TYPE_CHECKING:
    from skuflow.studio.picture import Pixels

Lab = tuple[float, float, float]

COLOUR_LEAST_SHARE = 0.03
"""Of the product's pixels: less is a reflection or a seam."""
KEYWORDS_LEAST_RATIO = 0.3
_BIN = 12.0
_SAMPLES_MOST = 40_000
_UNTELLABLE = frozenset({"multicoloured", "transparent"})
"""Colour words that no single colour shows."""
_CHROMATIC_LEAST = 9.0
_HUE_REACH = {"green": 65.0, "blue": 65.0}
"""Degrees of hue from the middle of a family, where it is not 50: teal is called green by some and blue by others."""
_INDOOR_ONLY = frozenset({"tiled", "office", "home", "home_evening"})


@dataclass(frozen=True, slots=True)
class ColourShare:
    """A colour of the product (CIE L*a*b*, D65) and its share of the product's pixels (0..1)."""

    lab: Lab
    share_ratio: float


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What is known of one image. ``id`` as in the kit ("image:scene:1"); ``style`` None where there is none."""

    id: str
    role: str
    style: str | None = None


@dataclass(frozen=True, slots=True)
class Coherence:
    """``ratio`` (0..1) is the mean of ``parts`` (0..1 each; only those that could be judged), 1 where none could."""

    ratio: float
    parts: Mapping[str, float] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def coherence(
    product: Product,
    copies: Sequence[ListingCopy],
    images: Sequence[ImageFacts],
    product_colours: Sequence[ColourShare] = (),
) -> Coherence:
    """How well the parts of one kit go together. Pure; nothing is decoded.

    Parts: "colour" (titles' colour words against the product's colours), "kind" (titles name the kind), "keywords"
    (they share words with the text and name no other kind), "languages" (copies do not contradict each other), "scene"
    (the scene suits the product). Findings: COHERENCE_COLOUR, COHERENCE_KIND, COHERENCE_KEYWORDS, COHERENCE_SCENE, all
    warnings, and COPY_LANGUAGES_DISAGREE.
    """
    findings: list[Finding] = []
    parts: dict[str, float] = {}
    for name, judged in (
        ("colour", [_colour(copy, product_colours, findings) for copy in copies]),
        ("kind", [_kind(copy, product, findings) for copy in copies]),
        ("keywords", [_keywords(copy, product, findings) for copy in copies]),
        ("scene", [_scene(image, product, findings) for image in images]),
    ):
        known = [value for value in judged if value is not None]
        if known:
            parts[name] = round(sum(known) / len(known), MEASURE_DECIMALS)
    if len(copies) > 1:
        contradictions = disagreements(copies, product)
        wrong = {finding.subject for finding in contradictions}
        parts["languages"] = round(1 - len(wrong) / len(copies), MEASURE_DECIMALS)
        findings.extend(contradictions)
    ratio = round(sum(parts.values()) / len(parts), MEASURE_DECIMALS) if parts else 1.0
    return Coherence(ratio, parts, tuple(findings))


def product_colours(rgba: Pixels) -> tuple[ColourShare, ...]:
    """The colours of a cut-out (RGBA, opaque where the product is), largest share first; () for an empty one.

    Pixels are gathered into cells of L*a*b* 12 units wide; a colour is a cell's mean. Deterministic.
    """
    import cv2
    import numpy as np

    opaque = rgba[..., 3] >= 250
    pixels = rgba[..., :3][opaque]
    if len(pixels) == 0:
        return ()
    step = max(1, len(pixels) // _SAMPLES_MOST)
    sampled = np.ascontiguousarray(pixels[::step]).reshape(-1, 1, 3).astype(np.float32) / 255.0
    lab = cv2.cvtColor(sampled, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    cells = np.floor(lab / _BIN).astype(np.int64)
    # One number per cell: sorting rows as wholes takes many times as long.
    numbered = (cells[:, 0] << 32) + (cells[:, 1] << 16) + cells[:, 2]
    _, inverse, counts = np.unique(numbered, return_inverse=True, return_counts=True)
    found = []
    for cell, count in enumerate(counts):
        share = float(count) / len(lab)
        if share >= COLOUR_LEAST_SHARE:
            mean = lab[inverse == cell].mean(axis=0)
            rounded = [round(float(value), 1) for value in mean]
            found.append(ColourShare((rounded[0], rounded[1], rounded[2]), round(share, MEASURE_DECIMALS)))
    return tuple(sorted(found, key=lambda colour: (-colour.share_ratio, colour.lab)))


def shows(family: str, lab: Lab) -> bool:
    """Whether a shopper could call this colour by the family's name (``copy_lexicon/colours.yaml``). Tolerant of light
    and shade: it is for telling red from blue, not cherry from brick."""
    lightness, a, b = lab
    chroma = math.hypot(a, b)
    if family == "black":
        return lightness < 40 and chroma < 20
    if family == "white":
        return lightness > 70 and chroma < 25
    if family in ("grey", "silver"):
        return chroma < 16 and 15 < lightness < 95
    if family == "brown":
        return lightness < 65 and 6 <= chroma < 55 and _hue_off(a, b, 60) <= 40
    if family == "beige":
        return lightness > 45 and 3 <= chroma < 40 and _hue_off(a, b, 80) <= 50
    if family in ("gold", "bronze", "rose_gold"):
        return chroma >= 8 and _hue_off(a, b, 75) <= 50
    if family == "pink":
        return lightness > 40 and chroma >= 6 and _hue_off(a, b, 0) <= 55
    reference = colours().concepts[family].lab
    if reference is None:
        return True
    least = _CHROMATIC_LEAST if lightness >= 35 else 4.0
    hue = math.degrees(math.atan2(reference[2], reference[1]))
    return chroma >= least and _hue_off(a, b, hue) <= _HUE_REACH.get(family, 50)


def _hue_off(a: float, b: float, hue: float) -> float:
    return abs((math.degrees(math.atan2(b, a)) - hue + 180) % 360 - 180)


def _colour(copy: ListingCopy, found: Sequence[ColourShare], findings: list[Finding]) -> float | None:
    """Share of the title's colours that the product shows; None where the title names none."""
    named = {
        concept: mention.written
        for mention in mentions(colours(), copy.title, reading_languages(copy.language))
        if mention.sense is Sense.STATED and not mention.concepts & _UNTELLABLE
        if not is_of_another_language(mention.written, copy.language)
        for concept in sorted(mention.concepts)[:1]
    }
    if not named or not found:
        return None
    shown = [family for family in named if any(shows(family, colour.lab) for colour in found)]
    if not shown:
        lightness, a, b = found[0].lab
        findings.append(
            _warning(
                "COHERENCE_COLOUR",
                f"copy:{copy.language} title",
                f"The title says {', '.join(named.values())!r}, and the photo shows no such colour. Correct the title,"
                " or use the photo of the right variant.",
                f"标题写的是“{'、'.join(named.values())}”，但图中商品没有这种颜色。请更正标题或更换对应款式的图片。",
                f"L*a*b* {lightness:g} {a:g} {b:g}",
            )
        )
    return len(shown) / len(named)


def _kind(copy: ListingCopy, product: Product, findings: list[Finding]) -> float | None:
    """1 where the title names the product's kind; None where that cannot be told."""
    if product.kind is None or not has_names(product.kind, copy.language):
        return None
    named = kinds_named(copy.title, copy.language)
    if product.kind in named:
        return 1.0
    findings.append(
        _warning(
            "COHERENCE_KIND",
            f"copy:{copy.language} title",
            f"The title does not say that the product is a {product.kind.replace('_', ' ')}. Name what it is.",
            "标题没有写明商品是什么。请补充品类名称。",
            ", ".join(sorted(named)) or None,
        )
    )
    return 0.0


def _keywords(copy: ListingCopy, product: Product, findings: list[Finding]) -> float | None:
    """Share of the keywords that belong to the text; 0 where they name other kinds and never the product's own."""
    if not copy.keywords:
        return None
    ratio = keywords_told_ratio(copy)
    named = frozenset[str]().union(*(kinds_named(keyword, copy.language) for keyword in copy.keywords))
    strange = product.kind is not None and bool(named) and product.kind not in named
    if strange or ratio < KEYWORDS_LEAST_RATIO:
        findings.append(
            _warning(
                "COHERENCE_KEYWORDS",
                f"copy:{copy.language} keywords",
                "The keywords are about something else than the text. Take words from title and bullets.",
                "关键词与标题、要点内容不符。请从标题与要点中选取关键词。",
                ", ".join(copy.keywords[:3]),
            )
        )
    return 0.0 if strange else ratio


def _scene(image: ImageFacts, product: Product, findings: list[Finding]) -> float | None:
    """1 where the scene suits kind or group, or shows no place; None where style or kind is unknown."""
    style = find_style(image.style) if image.style else None
    kind = kinds().get(product.kind) if product.kind else None
    if style is None or kind is None:
        return None
    fits = style.studio or kind.id in style.kinds or kind.group in style.groups
    if fits:
        return 1.0
    # Most things can stand in most rooms; what is used outdoors is out of place on tiles or a desk.
    if kind.group != "outdoor" or style.family not in _INDOOR_ONLY:
        return None
    findings.append(
        _warning(
            "COHERENCE_SCENE",
            image.id,
            f"The scene {style.name_en!r} does not suit a product for outdoors. Choose another style.",
            f"场景“{style.name_zh}”不适合户外用品。请更换风格。",
            style.id,
        )
    )
    return 0.0


def _warning(code: str, subject: str, message: str, message_zh: str, measured: str | None) -> Finding:
    return Finding(
        code=code,
        severity=Severity.WARNING,
        subject=subject,
        message=message,
        message_zh=message_zh,
        measured=measured,
    )
