"""Writing a listing's copy from what the catalog states, by template, in one language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from providers.offline.copywriter.errors import CopyError
from providers.offline.copywriter.facts import Fact, facts_of, has_ideographs, source_language
from providers.offline.copywriter.grammar import capitalised
from providers.offline.copywriter.keywords import keywords_of
from providers.offline.copywriter.lexicon import language_written, style, why_not_written
from providers.offline.copywriter.naming import (
    Name,
    cut,
    name_of,
    short_name,
    title_of,
)
from providers.offline.copywriter.statements import Statement, statements_of, tail
from skuflow.catalog.product import Product
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.rules.text import TextLimits

MIN_BULLETS = 3
CAPTION_MAX_CHARS = 28
CAPTION_MAX_CHARS_CJK = 14
_LINE_MAX_CHARS = 60
_LINE_MAX_CHARS_CJK = 26
_POINT_BULLETS = 4
"""Selling points take four bullets at most when there are attributes for the fifth."""
_GROUP_ORDER = (
    "capacity", "load", "performance", "insulation", "protection", "size", "material", "power", "care", "design",
    "color", "service", "other", "name",
)  # fmt: skip
_SIZES_TOGETHER = 3
_UNLABELLED = frozenset({"size", "weight"})


def write_copy(
    product: Product, *, language: str, market: str | None, marketplace: str, shots: int, limits: TextLimits
) -> ListingCopy:
    """Title, bullets, description, keywords, ``shots`` spoken lines and as many captions, in ``language`` (BCP 47;
    "pt-BR" is written as "pt").

    States nothing that the product does not state and changes no number. What the language cannot express is left
    out, named in ``facts_left_out`` and in a finding. A shot for which no fact is left has an empty line and caption.
    Raises CopyError: COPY_LANGUAGE for a language without templates, COPY_NO_NAME for a product whose kind is unknown
    and whose titles are all in a script that this language cannot show.
    """
    base = language_written(language)
    if base is None:
        raise CopyError("COPY_LANGUAGE", why_not_written(language))
    name = name_of(product, base)
    if name is None:
        raise CopyError(
            "COPY_NO_NAME",
            f"{product.sku}: the product kind is unknown and there is no title that {language} can show; "
            f"add a column title_{base} or title_en, or a category that names the product",
        )
    facts = facts_of(product)
    statements = statements_of(
        facts,
        product.selling_points.get(language) or product.selling_points.get(base, ()),
        language=base,
        source_language=source_language(product),
        gender=name.gender,
    )
    told_once = [statement for statement in statements if not statement.covered]
    title = title_of(product, name, statements, base, limits)
    bullets = _bullets(told_once, base, limits)
    description, described = _description(product, name, told_once, base, limits)
    captions, script = _shots(name, told_once, base, shots)
    told = {fact.name for bullet in bullets for fact in bullet.facts}
    told |= {fact.name for statement in described for fact in statement.facts}
    used = tuple(fact.name for fact in facts if fact.name in told)
    left_out = tuple(fact.name for fact in facts if fact.name not in told)
    return ListingCopy(
        language=language,
        marketplace=marketplace,
        market=market,
        title=title,
        bullets=tuple(bullet.text for bullet in bullets),
        description=description,
        keywords=keywords_of(name, statements, base, limits),
        video_script=script,
        captions=captions,
        facts_ratio=len(used) / len(facts) if facts else 1.0,
        facts_used=used,
        facts_left_out=left_out,
        origin="template",
        findings=_findings(language, name, left_out, len(bullets)),
    )


@dataclass(frozen=True, slots=True)
class _Bullet:
    text: str
    facts: tuple[Fact, ...]


def _bullets(statements: Sequence[Statement], language: str, limits: TextLimits) -> list[_Bullet]:
    points = [bullet for s in statements if s.is_point and (bullet := _point_bullet(s, language, limits))]
    groups = _groups(statements)
    most = min(5, limits.bullets_max)
    bullets = points[: _POINT_BULLETS if groups and most > _POINT_BULLETS else most]
    for group in groups:
        if len(bullets) == most:
            break
        bullet = _group_bullet(group, language, limits)
        if bullet is not None:
            bullets.append(bullet)
    for spare in points:
        if spare not in bullets and len(bullets) < most:
            bullets.append(spare)
    return bullets


def _groups(statements: Sequence[Statement]) -> list[list[Statement]]:
    found: dict[str, list[Statement]] = {}
    for statement in statements:
        if not statement.is_point and statement.id != "brand":
            found.setdefault(statement.group, []).append(statement)
    for group in found.values():
        group.sort(key=lambda statement: statement.id == "weight")
    if any(statement.is_point for statement in statements) and "size" in found:
        return [found.pop("size"), *(found[group] for group in _GROUP_ORDER if group in found)]
    return [found[group] for group in _GROUP_ORDER if group in found]


def _point_bullet(statement: Statement, language: str, limits: TextLimits) -> _Bullet | None:
    sentence = statement.sentence.rstrip("。.")
    headed = _headed(statement.head, sentence, language) if _has_own_head(statement) else sentence
    for text in (headed, sentence, statement.head):
        if text and len(text) <= limits.bullet_max_chars:
            return _Bullet(text, statement.facts)
    return None


def _has_own_head(statement: Statement) -> bool:
    """False where the head is only the sentence's own beginning."""
    return bool(statement.head) and not statement.sentence.lower().startswith(statement.head.lower())


def _headed(head: str, sentence: str, language: str) -> str:
    return style(language).bullet.format(head=head, tail=tail(sentence, language))


def _group_bullet(group: Sequence[Statement], language: str, limits: TextLimits) -> _Bullet | None:
    for count in range(len(group), 0, -1):
        members = group[:count]
        text = members[0].head if count == 1 else _listed(members, language)
        if len(text) <= limits.bullet_max_chars:
            return _Bullet(text, tuple(fact for statement in members for fact in statement.facts))
    return None


def _listed(members: Sequence[Statement], language: str) -> str:
    """Attributes of one group in one line: "Size and weight: 28 × 31 × 31 cm; 4.8 kg"."""
    manner = style(language)
    parts = [
        statement.value
        if statement.id in _UNLABELLED
        else manner.member.format(label=statement.label, value=statement.value)
        if statement.value
        else statement.head
        for statement in members
    ]
    head = manner.groups.get(members[0].group, "")
    joined = manner.semicolon.join(parts)
    return manner.pair.format(label=head, Label=head, value=joined) if head else capitalised(joined)


def _description(
    product: Product, name: Name, statements: Sequence[Statement], language: str, limits: TextLimits
) -> tuple[str, list[Statement]]:
    """Heading, the selling points as a paragraph, the attributes as another; and the statements that fitted."""
    joint = " " if style(language).spaced else ""
    heading = cut(name.core, limits.description_max_chars)
    points = [statement for statement in statements if statement.is_point]
    attributes = _sizes_together([s for s in statements if not s.is_point], language)
    room = limits.description_max_chars - len(heading)
    kept: list[Statement] = []
    paragraphs: list[str] = []
    for section in (points, attributes):
        sentences: list[str] = []
        for statement in section:
            if len(statement.sentence) + 2 > room:
                continue
            room -= len(statement.sentence) + 2
            sentences.append(statement.sentence)
            kept.append(statement)
        if sentences:
            paragraphs.append(joint.join(sentences))
    own = _own_description(product, language, paragraphs, room)
    if own:
        paragraphs.insert(0, own)
    return "\n".join((heading, *paragraphs)), kept


def _sizes_together(attributes: Sequence[Statement], language: str) -> list[Statement]:
    """The attributes, with three or more measures of size as one sentence in place of three alike."""
    sizes = sorted(
        (s for s in attributes if s.group == "size"), key=lambda statement: statement.id == "weight"
    )
    if len(sizes) < _SIZES_TOGETHER:
        return list(attributes)
    manner = style(language)
    first = next(index for index, statement in enumerate(attributes) if statement.group == "size")
    facts = tuple(fact for statement in sizes for fact in statement.facts)
    joined = Statement(facts, "size", "", _listed(sizes, language) + manner.stop)
    others = [statement for statement in attributes if statement.group != "size"]
    return [*others[:first], joined, *others[first:]]


def _own_description(product: Product, language: str, paragraphs: Sequence[str], room: int) -> str:
    """The catalog's description where it is in this language and says something that is not said yet."""
    text = " ".join(re.sub(r"<[^>]+>", " ", product.description).split())
    if not text or source_language(product) != language or (has_ideographs(text) and language != "zh"):
        return ""
    if any(text[:40].casefold() in paragraph.casefold() for paragraph in paragraphs):
        return ""
    sentences = re.findall(r".+?(?:[.!?。！？](?=\s|$)|$)\s*", text)
    kept = ""
    for sentence in sentences:
        if len(kept) + len(sentence) + 2 > room:
            break
        kept += sentence
    return kept.strip()


def _shots(
    name: Name, statements: Sequence[Statement], language: str, shots: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A caption and a spoken line per shot: first what it is, then one fact per shot."""
    spaced = style(language).spaced
    caption_max = CAPTION_MAX_CHARS if spaced else CAPTION_MAX_CHARS_CJK
    line_max = _LINE_MAX_CHARS if spaced else _LINE_MAX_CHARS_CJK
    stop = style(language).stop
    captions = [short_name(name, caption_max)]
    lines = [(name.core if len(name.core) <= line_max else short_name(name, line_max)) + stop]
    for statement in statements:
        head = statement.head or statement.sentence.rstrip(".。")
        if len(head) > caption_max or statement.id == "brand" or head in captions:
            continue
        captions.append(head)
        lines.append(statement.sentence if len(statement.sentence) <= line_max else head + stop)
    padding = ("",) * shots
    return (*captions, *padding)[:shots], (*lines, *padding)[:shots]


def _findings(language: str, name: Name, left_out: Sequence[str], bullets: int) -> tuple[Finding, ...]:
    subject = f"copy:{language}"
    findings: list[Finding] = []
    if not name.translated:
        findings.append(
            Finding(
                code="COPY_UNTRANSLATED",
                severity=Severity.WARNING,
                subject=subject,
                message=f"The title stands in English: the product kind is unknown. Add a column title_{language}.",
                message_zh=f"商品类型未知，标题保留英文。请添加 title_{language} 列。",
                measured="title",
            )
        )
    if left_out:
        names = "; ".join(left_out)
        findings.append(
            Finding(
                code="COPY_UNTRANSLATED",
                severity=Severity.WARNING,
                subject=subject,
                message=f"Left out because the offline lexicon cannot express it in {language}: {names}. "
                f"Add a column selling_points_{language}, or use a text model.",
                message_zh=f"离线词库无法用 {language} 表达，已略去：{names}。"
                f"请添加 selling_points_{language} 列，或改用文本模型。",
                measured=str(len(left_out)),
            )
        )
    if bullets < MIN_BULLETS:
        findings.append(
            Finding(
                code="COPY_FEW_FACTS",
                severity=Severity.WARNING,
                subject=subject,
                message=f"Only {bullets} bullets: the catalog states too little. Add attributes or selling points.",
                message_zh=f"只有 {bullets} 条要点：商品信息太少。请补充属性或卖点。",
                measured=f"{bullets} bullets",
                limit=f"{MIN_BULLETS} bullets",
            )
        )
    return tuple(findings)
