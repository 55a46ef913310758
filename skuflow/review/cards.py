"""What one card of the gallery shows, worked out from a kit, so that templates only lay out."""

from __future__ import annotations

from dataclasses import dataclass

from skuflow.catalog.product import Product
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import Kit, KitCopy, KitImage, KitVideo, Part
from skuflow.listing.styles import find_style
from skuflow.review.export import poster_file, poster_rendition, smallest_rendition, thumbnail_file
from skuflow.review.figures import duration_text, money, size_text
from skuflow.review.measures import aspect_words, is_aspect, measure_words
from skuflow.review.outfiles import relative_url
from skuflow.review.reason_words import reason_words
from skuflow.review.reasons import Reason, all_findings, reasons
from skuflow.review.score_words import score_lines
from skuflow.review.shapes import Labelled, LabelledRow, Shape, labelled_of, note_of, shapes_of, size_words
from skuflow.review.wording import (
    LANGUAGE_NAMES,
    RIGHT_TO_LEFT,
    Wording,
    is_requested,
    name_of,
    part_words,
    readable,
    say,
)
from skuflow.storage.keys import sku_slug

_SEVERITY_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass(frozen=True, slots=True)
class KitEntry:
    """A kit as the gallery and the summary take it. ``seconds`` is the time that making this ``kit_id``
    took, None when it was made by an earlier run and the time is not known.
    """

    kit: Kit
    seconds: float | None = None

    @property
    def folder(self) -> str:
        """The kit's folder in the export, relative to index.html."""
        return sku_slug(self.kit.sku)


@dataclass(frozen=True, slots=True)
class Meter:
    """A score as a bar: 0..100, None when there was nothing to score."""

    label: Wording
    value: float | None

    @property
    def tone(self) -> str:
        if self.value is None:
            return "absent"
        return "good" if self.value >= 80 else "fair" if self.value >= 60 else "poor"


@dataclass(frozen=True, slots=True)
class Picture:
    label: Wording
    style: Wording | None
    thumb_url: str
    shapes: tuple[Shape, ...]
    overall: Meter | None
    aspects: tuple[Meter, ...]
    measures: tuple[tuple[Wording, Wording], ...]
    fit: str

    @property
    def first(self) -> Shape:
        return self.shapes[0]

    @property
    def data(self) -> list[dict[str, str | int]]:
        """The shapes as the page's script reads them."""
        return [shape.data for shape in self.shapes]


@dataclass(frozen=True, slots=True)
class Film:
    label: Wording
    url: str
    poster_url: str | None
    width: int
    height: int
    note: str
    overall: Meter | None
    aspects: tuple[Meter, ...]
    measures: tuple[tuple[Wording, Wording], ...]
    labelled: Labelled | None
    source: KitVideo

    @property
    def is_tall(self) -> bool:
        return self.height > self.width


@dataclass(frozen=True, slots=True)
class CopyTab:
    """The copy of one language; ``key`` is unique on its card."""

    key: str
    label: str
    direction: str
    origin: Wording
    facts: Wording
    facts_complete: bool
    text: KitCopy


@dataclass(frozen=True, slots=True)
class PartRow:
    name: Wording
    part: Part
    reason: Wording
    maker: str


@dataclass(frozen=True, slots=True)
class Measured:
    """The measured values of one picture or video."""

    label: Wording
    style: Wording | None
    overall: Meter | None
    aspects: tuple[Meter, ...]
    values: tuple[tuple[Wording, Wording], ...]


@dataclass(frozen=True, slots=True)
class Card:
    kit: Kit
    anchor: str
    heading: Wording
    heading_languages: Wording
    subheading: Wording | None
    group: str
    haystack: str
    reasons: tuple[Reason, ...]
    meters: tuple[Meter, ...]
    pictures: tuple[Picture, ...]
    shapes: tuple[Shape, ...]
    films: tuple[Film, ...]
    labelled: tuple[LabelledRow, ...]
    label_markets: str
    tabs: tuple[CopyTab, ...]
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    parts: tuple[PartRow, ...]
    measured: tuple[Measured, ...]
    score_lines: tuple[Wording, ...]
    source: Wording
    price: str | None
    cost: str
    cost_estimated: str | None
    duration: str | None


def build_card(entry: KitEntry) -> Card:
    """The card of a kit that ``export_kit`` has exported beside the page."""
    kit = entry.kit
    product = kit.product
    languages = _heading_languages(product)
    heading = Wording(product.titles.get(languages.en, kit.sku), product.titles.get(languages.zh, kit.sku))
    pictures = tuple(_picture(image, kit, entry.folder) for image in kit.images if image.renditions)
    films = tuple(_film(video, kit, entry.folder) for video in kit.videos)
    tabs = tuple(_tab(text, index, kit) for index, text in enumerate(kit.copy_))
    labelled = _labelled_rows(pictures, films)
    urgent, notes = _findings(kit)
    settled, estimated = money(kit.cost.settled), money(kit.cost.estimated)
    return Card(
        kit=kit,
        anchor=f"sku-{entry.folder}",
        heading=heading,
        heading_languages=languages,
        subheading=Wording(heading.zh, heading.en) if heading.zh != heading.en else None,
        group=status_group(kit),
        haystack=search_text(kit),
        reasons=tuple(r for r in reasons(kit) if r.is_part),
        meters=_meters(kit),
        pictures=pictures,
        shapes=_shapes_of_all(pictures),
        films=films,
        labelled=labelled,
        label_markets=", ".join(
            dict.fromkeys(m for row in labelled for one in row.files for m in one.markets)
        ),
        tabs=tabs,
        findings=urgent,
        notes=notes,
        parts=tuple(_part_row(part, kit) for part in kit.parts),
        measured=tuple(made for made in _measured(pictures, films, tabs) if made.values),
        score_lines=score_lines(kit),
        source=_source(kit),
        price=f"{product.price} {product.currency or ''}".strip() if product.price is not None else None,
        cost=settled,
        cost_estimated=estimated if estimated != settled else None,
        duration=None if entry.seconds is None else duration_text(entry.seconds),
    )


def status_group(kit: Kit) -> str:
    """The filter a kit falls under: "ready" for kits that wait for review or are approved, else its
    status.
    """
    return "ready" if kit.status in ("needs_review", "approved") else kit.status.value


def search_text(kit: Kit) -> str:
    """What the page's search looks in, in lower case."""
    product = kit.product
    words = [
        kit.sku,
        *product.titles.values(),
        product.category,
        product.brand,
        *(f.code for f in kit.findings),
    ]
    return " ".join(word for word in words if word).casefold()


def _heading_languages(product: Product) -> Wording:
    """In which of the product's languages the card's heading stands, for each language of the page."""
    first = next(iter(product.titles), "")

    def best(*wanted: str) -> str:
        return next((language for language in wanted if product.titles.get(language)), first)

    return Wording(best("en", "zh"), best("zh", "en"))


def _meters(kit: Kit) -> tuple[Meter, ...]:
    scores = kit.scores
    values = {"overall": scores.overall, "images": scores.images, "copy": scores.copy_, "video": scores.video}
    if all(value is None for value in values.values()):
        return ()
    return tuple(Meter(say(f"scores.{name}"), value) for name, value in values.items())


def _picture(image: KitImage, kit: Kit, folder: str) -> Picture:
    requested = part_words(image.id) if is_requested(image.content_type) else None
    same_role = [
        other.id for other in kit.images if other.role == image.role and not is_requested(other.content_type)
    ]
    label = requested or name_of("role", image.role.value)
    if requested is None and len(same_role) > 1:
        number = same_role.index(image.id) + 1
        label = Wording(f"{label.en} {number}", f"{label.zh} {number}")
    small = smallest_rendition(image)
    assert small is not None
    overall, aspects, measures = _scored(image.scores)
    return Picture(
        label=label,
        style=style_words(image.style) if image.style else None,
        thumb_url=relative_url(folder, thumbnail_file(small)),
        shapes=shapes_of(image, folder),
        overall=overall,
        aspects=aspects,
        measures=measures,
        # A picture on white is shown whole; a scene fills its tile.
        fit="contain" if image.role == "main" else "cover",
    )


def _shapes_of_all(pictures: tuple[Picture, ...]) -> tuple[Shape, ...]:
    """One shape per size that any picture has, in order of first appearance: the buttons of the shape
    switcher.
    """
    by_key: dict[str, Shape] = {}
    for picture in pictures:
        for shape in picture.shapes:
            by_key.setdefault(shape.key, shape)
    return tuple(by_key.values())


def _film(video: KitVideo, kit: Kit, folder: str) -> Film:
    overall, aspects, measures = _scored(video.scores)
    plain = [other.id for other in kit.videos if not is_requested(other.content_type)]
    label = say("media.video")
    if is_requested(video.content_type):
        label = part_words(video.id) or label
    elif len(plain) > 1:
        number = plain.index(video.id) + 1
        label = Wording(f"{label.en} {number}", f"{label.zh} {number}")
    return Film(
        label=label,
        url=relative_url(folder, video.file),
        poster_url=relative_url(folder, poster_file(video)) if poster_rendition(kit, video) else None,
        width=video.width,
        height=video.height,
        note=note_of(
            f"{video.duration_s:.1f} s",
            size_words(video.width, video.height),
            f"{video.fps:g} fps",
            size_text(video.bytes),
        ),
        overall=overall,
        aspects=aspects,
        measures=measures,
        labelled=next(iter(labelled_of(video.labelled, folder)), None),
        source=video,
    )


def _labelled_rows(pictures: tuple[Picture, ...], films: tuple[Film, ...]) -> tuple[LabelledRow, ...]:
    of_pictures = [
        LabelledRow(p.label, p.style, tuple(s.labelled for s in p.shapes if s.labelled)) for p in pictures
    ]
    of_films = [LabelledRow(f.label, None, (f.labelled,)) for f in films if f.labelled]
    return tuple(row for row in (*of_pictures, *of_films) if row.files)


def _measured(
    pictures: tuple[Picture, ...], films: tuple[Film, ...], tabs: tuple[CopyTab, ...]
) -> list[Measured]:
    of_pictures = [Measured(p.label, p.style, p.overall, p.aspects, p.measures) for p in pictures]
    of_films = [Measured(f.label, None, f.overall, f.aspects, f.measures) for f in films]
    of_texts = [
        Measured(say("scores.copy"), Wording(tab.label, tab.label), *_scored(tab.text.scores)) for tab in tabs
    ]
    return of_pictures + of_films + of_texts


def _scored(
    scores: dict[str, float],
) -> tuple[Meter | None, tuple[Meter, ...], tuple[tuple[Wording, Wording], ...]]:
    """(overall score, scores by aspect, measured values) of a part."""
    overall = Meter(say("scores.overall"), scores["overall"]) if "overall" in scores else None
    aspects = tuple(Meter(aspect_words(name), value) for name, value in scores.items() if is_aspect(name))
    measured = {name: value for name, value in scores.items() if name != "overall" and not is_aspect(name)}
    return overall, aspects, tuple(measure_words(name, value) for name, value in measured.items())


def style_words(style: str) -> Wording:
    """The name of a style as the style list has it; the id made readable for styles of other tools."""
    known = find_style(style)
    if known is None:
        return Wording(readable(style), readable(style))
    return Wording(known.name_en, known.name_zh)


def _tab(text: KitCopy, index: int, kit: Kit) -> CopyTab:
    primary = text.language.split("-")[0].lower()
    label = LANGUAGE_NAMES.get(primary, text.language)
    if sum(other.language.split("-")[0].lower() == primary for other in kit.copy_) > 1:
        places = [
            p for p in (text.language if "-" in text.language else "", text.market, text.marketplace) if p
        ]
        label = f"{label} ({' · '.join(places)})"
    total = len(text.facts_used) + len(text.facts_left_out)
    facts = (
        say("copy.facts").filled(used=len(text.facts_used), total=total)
        if total
        else say("copy.facts_share").filled(share=round(text.facts_ratio * 100))
    )
    return CopyTab(
        key=str(index + 1),
        label=label,
        direction="rtl" if primary in RIGHT_TO_LEFT else "ltr",
        origin=name_of("origin", text.origin),
        facts=facts,
        facts_complete=text.facts_ratio >= 1,
        text=text,
    )


def _findings(kit: Kit) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Every finding of the kit and its parts once: (errors and warnings, notes). The reasons of a kit that
    is not ready stand at the top of its card and are repeated here with their code and figures.
    """
    ordered = sorted(all_findings(kit), key=lambda finding: _SEVERITY_ORDER[finding.severity])
    notes = tuple(f for f in ordered if f.severity is Severity.INFO)
    return tuple(f for f in ordered if f.severity is not Severity.INFO), notes


def _part_row(part: Part, kit: Kit) -> PartRow:
    makers = {f"{c.provider} {c.model}" for c in kit.copy_ if c.part == part.part}
    makers |= {f"{i.provider} {i.model}" for i in kit.images if part.part in (i.id, f"image:{i.id}")}
    makers |= {f"{v.provider} {v.model}" for v in kit.videos if part.part in (v.id, f"video:{v.id}")}
    words = part_words(part.part) or Wording(part.part, part.part)
    return PartRow(words, part, reason_words(part.reason or ""), ", ".join(sorted(makers)))


def _source(kit: Kit) -> Wording:
    source = kit.product.source
    if source.row is None:
        return Wording(source.catalog, source.catalog)
    return say("facts.row").filled(catalog=source.catalog, row=source.row)
