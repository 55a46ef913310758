"""Whether a copy is written in the language it is for, part by part.

Script decides first (kana, ideographs that Japanese does not have, Cyrillic); then a statistical identifier, among the
languages that a listing can be in and only on texts long enough to tell. Short or ambiguous texts ("Gaming RGB") are
not judged: names and loan words look alike everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from skuflow.catalog.product import Product
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Finding, Severity
from skuflow.quality.copy.passages import base_language

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

LATIN = ("de", "en", "es", "fr", "it", "nl", "pt")
"""Languages with Latin letters that copy is told apart by."""
LEAST_WORDS = 5
SURE_WORDS = 8
"""From five words on a text is judged, from eight on the finding is an error."""
FOREIGN_LEAST = 0.9
OWN_MOST = 0.05
"""What the identifier must be sure of. On 2,000 texts of 5 words and more in five languages the offline copywriter's
never came near with brand and names taken out."""
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}")
_LETTER = re.compile(r"[^\W\d_]")
_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30fa]")
_IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_OWN_LETTERS = {"ru": _CYRILLIC, "ja": re.compile(r"[\u3040-\u30ff\u3400-\u9fff]"), "zh": _IDEOGRAPH}
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n")
_NAME_LIKE = re.compile(r"(?:[A-Z0-9\u00c0-\u00d6][\w'&-]*\s*){2,}")
_NAMES = {
    "de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian", "nl": "Dutch",
    "pt": "Portuguese", "zh": "Chinese", "ja": "Japanese", "ru": "Russian",
}  # fmt: skip
_NAMES_ZH = {
    "de": "德语", "en": "英语", "es": "西班牙语", "fr": "法语", "it": "意大利语", "nl": "荷兰语", "pt": "葡萄牙语",
    "zh": "中文", "ja": "日语", "ru": "俄语",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Other:
    """A language that a text is in and should not be."""

    language: str
    words: int


def language_findings(copy: ListingCopy, product: Product) -> tuple[Finding, ...]:
    """COPY_WRONG_LANGUAGE, once, where the copy as a whole is in another language; else COPY_MIXED_LANGUAGE for each
    title, bullet or sentence that is: an error from eight words on, a warning from five.

    Languages without an identifier of their own here (see ``LATIN``) are only judged by script. The brand, and names
    of several words that the catalog states, count for nothing.
    """
    expected = base_language(copy.language)
    names = _names(product)
    texts = [(part, _without(text, names)) for part, text in _texts(copy)]
    whole = "\n".join(text for _, text in texts)
    wrong = _other_language(whole, expected)
    if wrong is not None and wrong.words >= SURE_WORDS and not (expected == "ja" and _has_kana(whole)):
        return (_wrong(copy, wrong),)
    found: dict[str, Finding] = {}
    for part, text in texts:
        other = _other_language(text, expected)
        if other is not None:
            found.setdefault(part, _mixed(copy, part, text, other))
    return tuple(found.values())


def _texts(copy: ListingCopy) -> Iterator[tuple[str, str]]:
    yield "title", copy.title
    for number, bullet in enumerate(copy.bullets, start=1):
        yield f"bullet {number}", bullet
    for sentence in _SENTENCE_END.split(copy.description):
        yield "description", sentence


def _other_language(text: str, expected: str) -> _Other | None:
    if expected in ("ja", "zh"):
        foreign = _other_ideographs(text, expected)
        if foreign is not None:
            return foreign
    if expected in _OWN_LETTERS:
        return _latin_instead(text, _OWN_LETTERS[expected])
    if expected in LATIN:
        return _other_latin(text, expected)
    return None


def _other_ideographs(text: str, expected: str) -> _Other | None:
    """Simplified characters that no Japanese text has, or kana in a Chinese one, from two on."""
    if expected == "zh":
        kana = len(_KANA.findall(text))
        return _Other("ja", kana * 2) if kana >= LEAST_WORDS else None
    simplified = [letter for letter in _IDEOGRAPH.findall(text) if not _is_japanese(letter)]
    return _Other("zh", SURE_WORDS) if len(simplified) >= 2 else None


def _has_kana(text: str) -> bool:
    """Whether a tenth of the letters are kana: Japanese, whatever else was left in it."""
    return len(_KANA.findall(text)) * 10 >= len(_LETTER.findall(text))


@cache
def _is_japanese(letter: str) -> bool:
    """Whether Japan's character sets hold it (JIS X 0213)."""
    try:
        letter.encode("euc_jis_2004")
    except UnicodeEncodeError:
        return False
    return True


def _latin_instead(text: str, own: re.Pattern[str]) -> _Other | None:
    """Words in Latin letters where hardly a letter is of the language's own script."""
    words = [word for word in _LATIN_WORD.findall(text) if not word.isupper()]
    letters = len(_LETTER.findall(text))
    if len(words) < LEAST_WORDS or len(own.findall(text)) * 5 > letters:
        return None
    scores = _identifier(LATIN)(" ".join(words).lower())
    language = max(scores, key=lambda name: scores[name])
    return _Other(language, len(words)) if scores[language] >= FOREIGN_LEAST else None


def _other_latin(text: str, expected: str) -> _Other | None:
    words = [word for word in _LATIN_WORD.findall(text) if not word.isupper()]
    if len(words) < LEAST_WORDS:
        return None
    scores = _identifier(LATIN)(" ".join(words).lower())
    language = max(scores, key=lambda name: scores[name])
    if language == expected or scores[language] < FOREIGN_LEAST or scores[expected] > OWN_MOST:
        return None
    return _Other(language, len(words))


class _Identify:
    """py3langid among a few languages; its model is read at the first question (about half a second)."""

    def __init__(self, languages: Iterable[str]) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        self._identifier: LanguageIdentifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self._identifier.set_languages(list(languages))

    def __call__(self, text: str) -> dict[str, float]:
        return {str(language): float(share) for language, share in self._identifier.rank(text)}


@cache
def _identifier(languages: tuple[str, ...]) -> _Identify:
    return _Identify(languages)


def _names(product: Product) -> tuple[str, ...]:
    found = {product.brand.strip()} if product.brand.strip() else set()
    found |= {value.strip() for value in product.attributes.values() if _NAME_LIKE.fullmatch(value.strip())}
    return tuple(sorted(found, key=len, reverse=True))


def _without(text: str, names: Iterable[str]) -> str:
    for name in names:
        text = text.replace(name, " ")
    return text


def _wrong(copy: ListingCopy, other: _Other) -> Finding:
    expected = base_language(copy.language)
    return Finding(
        code="COPY_WRONG_LANGUAGE",
        severity=Severity.ERROR,
        subject=f"copy:{copy.language}",
        message=f"The copy is in {_name(other.language)} and should be in {_name(expected)}. Translate it.",
        message_zh=f"文案为{_name_zh(other.language)}，应为{_name_zh(expected)}。请翻译。",
        measured=other.language,
        limit=copy.language,
    )


def _mixed(copy: ListingCopy, part: str, text: str, other: _Other) -> Finding:
    expected = base_language(copy.language)
    shown = " ".join(text.split())[:60]
    return Finding(
        code="COPY_MIXED_LANGUAGE",
        severity=Severity.ERROR if other.words >= SURE_WORDS else Severity.WARNING,
        subject=f"copy:{copy.language} {part}",
        message=f"{shown!r} seems to be {_name(other.language)}, not {_name(expected)}. Translate it.",
        message_zh=f"“{shown}”疑为{_name_zh(other.language)}，而非{_name_zh(expected)}。请翻译。",
        measured=other.language,
        limit=copy.language,
    )


def _name(language: str) -> str:
    return _NAMES.get(language, language)


def _name_zh(language: str) -> str:
    return _NAMES_ZH.get(language, language)
