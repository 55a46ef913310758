"""Whether a copy is written in the language it is for, part by part.

Script decides first (kana, ideographs that Japanese does not have, Simplified ones in Traditional Chinese, Cyrillic);
then a statistical identifier, among the languages that a listing can be in and only on texts long enough to tell. Short
or ambiguous texts ("Gaming RGB") are not judged: names and loan words look alike everywhere.
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
from skuflow.quality.copy.traditional import is_traditional

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
_SIMPLIFIED, _TRADITIONAL = "zh-Hans", "zh-Hant"
_OWN_LETTERS = {
    "ru": _CYRILLIC, "ja": re.compile(r"[\u3040-\u30ff\u3400-\u9fff]"), "zh": _IDEOGRAPH, _TRADITIONAL: _IDEOGRAPH,
}  # fmt: skip
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n")
_NAME_LIKE = re.compile(r"(?:[A-Z0-9\u00c0-\u00d6][\w'&-]*\s*){2,}")
_NAMES = {
    "ar": ("Arabic", "阿拉伯语"), "cs": ("Czech", "捷克语"), "da": ("Danish", "丹麦语"), "de": ("German", "德语"),
    "el": ("Greek", "希腊语"), "en": ("English", "英语"), "es": ("Spanish", "西班牙语"), "fi": ("Finnish", "芬兰语"),
    "fr": ("French", "法语"), "he": ("Hebrew", "希伯来语"), "hu": ("Hungarian", "匈牙利语"),
    "id": ("Indonesian", "印尼语"), "it": ("Italian", "意大利语"), "ja": ("Japanese", "日语"), "ko": ("Korean", "韩语"),
    "ms": ("Malay", "马来语"), "nb": ("Norwegian", "挪威语"), "nl": ("Dutch", "荷兰语"), "pl": ("Polish", "波兰语"),
    "pt": ("Portuguese", "葡萄牙语"), "ro": ("Romanian", "罗马尼亚语"), "ru": ("Russian", "俄语"),
    "sv": ("Swedish", "瑞典语"), "th": ("Thai", "泰语"), "tr": ("Turkish", "土耳其语"), "uk": ("Ukrainian", "乌克兰语"),
    "vi": ("Vietnamese", "越南语"), "zh": ("Chinese", "中文"), _SIMPLIFIED: ("Simplified Chinese", "简体中文"),
    _TRADITIONAL: ("Traditional Chinese", "繁体中文"),
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
    expected = _expected(copy.language)
    names = _names(product)
    texts = [(part, _without(text, names)) for part, text in _texts(copy)]
    whole = "\n".join(text for _, text in texts)
    wrong = _other_language(whole, expected)
    if wrong is not None and wrong.words >= SURE_WORDS and not _is_at_heart(whole, expected, wrong):
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


def _expected(language: str) -> str:
    """The language that a copy's tag asks for, in as far as it is told apart here."""
    return _TRADITIONAL if is_traditional(language) else base_language(language)


def _other_language(text: str, expected: str) -> _Other | None:
    if expected in ("ja", "zh", _TRADITIONAL):
        foreign = _other_ideographs(text, expected)
        if foreign is not None:
            return foreign
    if expected in _OWN_LETTERS:
        return _latin_instead(text, _OWN_LETTERS[expected])
    if expected in LATIN:
        return _other_latin(text, expected)
    return None


def _other_ideographs(text: str, expected: str) -> _Other | None:
    """Simplified characters that no Japanese, or no Traditional text has, from two on; or kana in a Chinese one."""
    if expected != "ja":
        kana = len(_KANA.findall(text))
        if kana >= LEAST_WORDS:
            return _Other("ja", kana * 2)
    if expected == "zh":
        return None
    is_foreign = _is_simplified if expected == _TRADITIONAL else _is_not_japanese
    simplified = [letter for letter in _IDEOGRAPH.findall(text) if is_foreign(letter)]
    other = _SIMPLIFIED if expected == _TRADITIONAL else "zh"
    return _Other(other, SURE_WORDS) if len(simplified) >= 2 else None


def _is_at_heart(text: str, expected: str, found: _Other) -> bool:
    """Whether a text is in its language for all that was left in it: Japanese with a tenth of its letters kana,
    Traditional Chinese with more characters that only it has than Simplified ones."""
    if expected == "ja":
        return len(_KANA.findall(text)) * 10 >= len(_LETTER.findall(text))
    if found.language == _SIMPLIFIED:
        letters = _IDEOGRAPH.findall(text)
        return sum(map(_is_only_traditional, letters)) > sum(map(_is_simplified, letters))
    return False


def _is_not_japanese(letter: str) -> bool:
    return not _has(letter, "euc_jis_2004")


def _is_simplified(letter: str) -> bool:
    """Whether the mainland's character set has it, and Hong Kong's and Taiwan's do not."""
    return _has(letter, "gb2312") and not _has(letter, "big5hkscs")


def _is_only_traditional(letter: str) -> bool:
    return _has(letter, "big5hkscs") and not _has(letter, "gb2312")


@cache
def _has(letter: str, character_set: str) -> bool:
    try:
        letter.encode(character_set)
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
    expected, expected_zh = language_names(copy.language)
    found, found_zh = language_names(other.language)
    return Finding(
        code="COPY_WRONG_LANGUAGE",
        severity=Severity.ERROR,
        subject=f"copy:{copy.language}",
        message=f"The copy is in {found} and should be in {expected}. Translate it.",
        message_zh=f"文案为{found_zh}，应为{expected_zh}。请翻译。",
        measured=other.language,
        limit=copy.language,
    )


def _mixed(copy: ListingCopy, part: str, text: str, other: _Other) -> Finding:
    expected, expected_zh = language_names(copy.language)
    found, found_zh = language_names(other.language)
    shown = " ".join(text.split())[:60]
    return Finding(
        code="COPY_MIXED_LANGUAGE",
        severity=Severity.ERROR if other.words >= SURE_WORDS else Severity.WARNING,
        subject=f"copy:{copy.language} {part}",
        message=f"{shown!r} seems to be {found}, not {expected}. Translate it.",
        message_zh=f"“{shown}”疑为{found_zh}，而非{expected_zh}。请翻译。",
        measured=other.language,
        limit=copy.language,
    )


def language_names(language: str) -> tuple[str, str]:
    """English and Chinese name of a BCP 47 tag's language; the tag itself where it has none here."""
    name = _NAMES.get(language) or _NAMES.get(_expected(language))
    return name or (language, language)
