"""Scores of one language's copy: what a program can measure about text without understanding it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from skuflow.catalog.product import Product
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.rules import TextLimits
from skuflow.listing.rules.copy_checks import TextFacts, most_repeated, outside_brand
from skuflow.quality.copy.keywords import keywords_told_ratio
from skuflow.quality.copy.wording import repeated_phrases
from skuflow.quality.copy_limits import COPY_RULES
from skuflow.quality.scoring import Score, judge

SCRIPTS: dict[str, frozenset[str]] = {
    "ru": frozenset({"CYRILLIC"}),
    "uk": frozenset({"CYRILLIC"}),
    "bg": frozenset({"CYRILLIC"}),
    "ja": frozenset({"HIRAGANA", "KATAKANA", "CJK"}),
    "zh": frozenset({"CJK"}),
    "ko": frozenset({"HANGUL"}),
    "ar": frozenset({"ARABIC"}),
    "he": frozenset({"HEBREW"}),
    "th": frozenset({"THAI"}),
    "el": frozenset({"GREEK"}),
}
"""Scripts that a language is written in, as Unicode's character names begin; Latin for every language not named."""
_LATIN = frozenset({"LATIN"})
_KANA = frozenset({"HIRAGANA", "KATAKANA"})
_EVERYWHERE = frozenset({"LATIN", "GREEK"})
"""Brands, model numbers and units (Ω, µ) stand in Latin and Greek letters in every language."""
_TWICE = re.compile(r"\b([^\W\d_]{2,})\s+\1\b", re.IGNORECASE)


def score_copy(
    copy: ListingCopy, product: Product, limits: TextLimits, *, proof: tuple[Finding, ...] = ()
) -> Score:
    """Measures and score of ``copy`` for ``product`` under a marketplace's ``limits``.

    Lengths count code points, keyword bytes are UTF-8 with single spaces between keywords. ``proof`` are the findings
    of whoever proved the copy (``skuflow.quality.copy_proof``); unproven statements weigh heaviest here.
    """
    texts = (copy.title, *copy.bullets, copy.description, *copy.keywords)
    judged_title = outside_brand(copy.title, product.brand)
    measures = {
        "title_chars": float(len(copy.title)),
        "title_excess_chars": _excess(len(copy.title), limits.title_max_chars),
        "title_missing_chars": _excess(limits.title_min_chars, len(copy.title)),
        "title_forbidden_count": float(sum(judged_title.count(c) for c in set(limits.title_forbidden_chars))),
        "bullets_count": float(len(copy.bullets)),
        "bullets_excess_count": _excess(len(copy.bullets), limits.bullets_max),
        "bullet_excess_chars": _excess(max(map(len, copy.bullets), default=0), limits.bullet_max_chars),
        "description_chars": float(len(copy.description.strip())),
        "description_excess_chars": _excess(len(copy.description), limits.description_max_chars),
        "keywords_excess_count": _excess(len(copy.keywords), limits.keywords_max),
        "facts_ratio": copy.facts_ratio,
        "doubled_words": float(sum(len(_TWICE.findall(text)) for text in texts)),
        "repeated_bullets": float(
            len(copy.bullets) - len({bullet.casefold().strip() for bullet in copy.bullets})
        ),
        "repeated_phrases": float(repeated_phrases(copy)),
        "keywords_told_ratio": keywords_told_ratio(copy),
        "proof_errors": float(_count(_rest(proof), Severity.ERROR)),
        "proof_warnings": float(_count(_rest(proof), Severity.WARNING)),
        "wrong_language": float(_of(proof, "COPY_WRONG_LANGUAGE")),
        "mixed_language": float(_of(proof, "COPY_MIXED_LANGUAGE")),
        "forbidden_terms": float(_of(proof, "COPY_FORBIDDEN_TERM")),
    }
    if limits.keywords_max_bytes is not None:
        measures["keywords_excess_bytes"] = _excess(
            len(" ".join(copy.keywords).encode()), limits.keywords_max_bytes
        )
    if limits.word_repeat_max is not None:
        repeats, _ = most_repeated(_facts(copy, product))
        measures["title_repeats_excess"] = _excess(repeats, limits.word_repeat_max)
    measures.update(_script_measures(texts, copy.language, product.brand))
    return judge(measures, COPY_RULES)


def _facts(copy: ListingCopy, product: Product) -> TextFacts:
    return TextFacts(copy.title, copy.bullets, copy.description, copy.keywords, copy.language, product.brand)


_JUDGED_APART = ("COPY_WRONG_LANGUAGE", "COPY_MIXED_LANGUAGE", "COPY_FORBIDDEN_TERM")


def _rest(proof: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in proof if finding.code not in _JUDGED_APART)


def _of(proof: Iterable[Finding], code: str) -> int:
    return sum(finding.code == code for finding in proof)


def _excess(value: int, limit: int) -> float:
    return float(max(0, value - limit))


def _count(findings: Iterable[Finding], severity: Severity) -> int:
    return sum(finding.severity is severity for finding in findings)


_ENOUGH_FOR_KANA = 40
"""Letters from which Japanese without kana is no Japanese; a title alone can well be all kanji."""


def _script_measures(texts: Iterable[str], language: str, brand: str) -> dict[str, float]:
    """``own_script_ratio``: share of letters in the language's script; for Japanese of some length also
    ``kana_ratio``.
    ``foreign_letters``: letters of scripts that have no place in this language. The brand's letters count for nothing.
    """
    primary = language.split("-")[0].casefold()
    own = SCRIPTS.get(primary, _LATIN)
    text = "\n".join(texts)
    if brand:
        text = text.replace(brand, " ")
    scripts = Counter(_script(c) for c in text if c.isalpha())
    total = sum(scripts.values())
    if total == 0:
        return {"own_script_ratio": 0.0, "foreign_letters": 0.0}
    out = {
        "own_script_ratio": sum(scripts[name] for name in own) / total,
        "foreign_letters": float(sum(n for name, n in scripts.items() if name not in own | _EVERYWHERE)),
    }
    if primary == "ja" and total >= _ENOUGH_FOR_KANA:
        out["kana_ratio"] = sum(scripts[name] for name in _KANA) / total
    return out


def _script(letter: str) -> str:
    """The script's name as Unicode has it at the head of the letter's name ("LATIN", "CYRILLIC", "CJK")."""
    name = unicodedata.name(letter, "UNKNOWN")
    # The long-vowel mark and half-width forms belong to katakana; super- and subscript letters to Latin.
    if name.startswith(("KATAKANA-HIRAGANA", "HALFWIDTH KATAKANA")):
        return "KATAKANA"
    if name.startswith(
        ("FEMININE ORDINAL", "MASCULINE ORDINAL", "MODIFIER LETTER", "FULLWIDTH LATIN", "MICRO SIGN")
    ):
        return "LATIN"
    return name.split(" ", 1)[0].split("-", 1)[0]
