"""All checks of a product's text, as findings of the gate's rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from skuflow.catalog.gate.judging import GateRules
from skuflow.catalog.gate.text_gate.contradictions import contradictions
from skuflow.catalog.gate.text_gate.market_fit import plug_mismatches, voltage_gaps
from skuflow.catalog.gate.text_gate.parameters import completeness, shelf_of
from skuflow.catalog.gate.text_gate.spelling import suspects
from skuflow.catalog.gate.text_gate.titles import attribute_words, knows_language
from skuflow.catalog.gate.text_gate.wording import odd_abbreviations, shouts
from skuflow.catalog.gate.text_gate.words import said_in
from skuflow.catalog.kinds import kinds
from skuflow.catalog.product import Product
from skuflow.listing.findings import Finding
from skuflow.listing.markets import find_market
from skuflow.listing.styles import find_style, market_style_finding

_SUSPECTS_LIMIT = 8
"""A text of which more words are doubtful is in another language, or too poor to list them all."""
_PIECES_LIMIT = 6


def check_text(
    product: Product, rules: GateRules, *, markets: Sequence[str], style: str | None
) -> tuple[Finding, ...]:
    """What is wrong with the product's text, and with its style and voltage for ``markets``.

    ``markets`` and ``style`` are those of the run, else of the product; names that do not exist are passed over, since
    reading the catalog reports them. Nothing is changed, and nothing here raises for any product.
    """
    found = (
        *_title_findings(product, rules),
        *_wording_findings(product, rules),
        *_spelling_findings(product, rules),
        *_contradiction_findings(product, rules),
        *_parameter_findings(product, rules),
        *_market_findings(product, rules, markets, style),
    )
    return tuple(finding for finding in found if finding is not None)


def _title_findings(product: Product, rules: GateRules) -> Iterator[Finding | None]:
    words = attribute_words(product)
    if words is not None:
        advice = words.advice or (("what the product is", "品名"),)
        yield rules.judge(
            "TITLE_FEW_ATTRIBUTES",
            len(words.words),
            f"title ({words.language})",
            found=_listed(words.words) or "none",
            found_zh=_listed_zh(words.words) or "无",
            advice=_listed(en for en, _ in advice),
            advice_zh=_listed_zh(zh for _, zh in advice),
        )
    if words is None or not knows_language(product):
        return
    named = any(said.word_class == "noun" for title in product.titles.values() for said in said_in(title))
    ways = (product.kind is not None, shelf_of(product.category) is not None, named)
    yield rules.judge(
        "CATEGORY_UNKNOWN",
        sum(ways),
        "category",
        category=f"{product.category!r}" if product.category else "(empty)",
        category_zh=f"“{product.category}”" if product.category else "（空）",
    )


def _wording_findings(product: Product, rules: GateRules) -> Iterator[Finding | None]:
    for language, title in product.titles.items():
        odd = odd_abbreviations(title)
        yield rules.judge(
            "TITLE_ODD_ABBREVIATION",
            len(odd),
            f"title ({language})",
            pieces=_listed(one.piece for one in odd[:_PIECES_LIMIT]),
            pieces_zh=_listed_zh(one.piece for one in odd[:_PIECES_LIMIT]),
            advice=_listed(one.en for one in odd[:_PIECES_LIMIT]),
            advice_zh=_listed_zh(one.zh for one in odd[:_PIECES_LIMIT]),
        )
        loud = shouts(title)
        yield rules.judge(
            "TITLE_SHOUTING",
            len(loud),
            f"title ({language})",
            pieces=_listed(loud[:_PIECES_LIMIT]),
            pieces_zh=_listed_zh(loud[:_PIECES_LIMIT]),
        )


def _spelling_findings(product: Product, rules: GateRules) -> Iterator[Finding | None]:
    for number, suspect in enumerate(suspects(product)):
        if number == _SUSPECTS_LIMIT:
            return
        yield rules.judge(
            "SPELLING_SUSPICIOUS", 1, suspect.where, word=suspect.word, suggestion=suspect.suggestion
        )


def _contradiction_findings(product: Product, rules: GateRules) -> Iterator[Finding | None]:
    found = contradictions(product)
    for one in found:
        yield rules.judge(
            "TITLE_CONTRADICTS_ATTRIBUTE",
            len(found),
            f"title ({one.language})",
            said=one.said,
            what=one.what,
            what_zh=one.what_zh,
            attribute=one.attribute,
            value=one.value,
        )


def _parameter_findings(product: Product, rules: GateRules) -> Iterator[Finding | None]:
    stated = completeness(product)
    yield rules.judge(
        "PARAMETERS_INCOMPLETE",
        stated.ratio,
        "attributes",
        missing=_listed(parameter.name_en for parameter in stated.missing),
        missing_zh=_listed_zh(parameter.name_zh for parameter in stated.missing),
    )


def _market_findings(
    product: Product, rules: GateRules, markets: Sequence[str], style: str | None
) -> Iterator[Finding | None]:
    wanted = find_style(style) if style else None
    places = [place.code for place in map(find_market, dict.fromkeys(markets)) if place is not None]
    kind = product.kind if product.kind in kinds() else None
    for code in places:
        mismatch = market_style_finding(wanted, code, kind) if wanted is not None else None
        if mismatch is not None:
            judged = rules.judge(
                mismatch.code, 1, mismatch.subject, message=mismatch.message, message_zh=mismatch.message_zh
            )
            said = judged and {"message": judged.message, "message_zh": judged.message_zh}
            yield judged and mismatch.model_copy(update={"severity": judged.severity, **(said or {})})
    for gap in voltage_gaps(product, places):
        yield rules.judge(
            "MARKET_VOLTAGE",
            gap.gap_ratio,
            f"market {gap.market.code}",
            said=gap.said,
            market=gap.market.name_en,
            market_zh=gap.market.name_zh,
            mains=gap.mains,
        )
    for plug in plug_mismatches(product, places):
        yield rules.judge(
            "MARKET_PLUG",
            1,
            f"market {plug.market.code}",
            said=plug.said,
            market=plug.market.name_en,
            market_zh=plug.market.name_zh,
            sockets=plug.sockets,
        )


def _listed(pieces: Iterable[str]) -> str:
    return ", ".join(pieces)


def _listed_zh(pieces: Iterable[str]) -> str:
    return "、".join(pieces)
