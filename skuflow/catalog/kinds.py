"""What kind of thing a product is, by lexicon, from its titles and category.

The head noun decides: in English it ends the phrase before "with", "for", a comma or a bracket; in Chinese it
ends the word group. Of several names the one that ends last wins, then the longest: "camping chair with cup
holder" is a chair, "蓝牙音箱支架" is a stand, and so none of the kinds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from skuflow.listing.packaged_yaml import PackagedDataError, read_yaml

StandsOn = Literal["table", "floor", "any"]
RangeCm = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Kind:
    """A product kind. ``width_cm`` and ``height_cm`` are the usual range (least, most) of the whole
    product.
    """

    id: str
    group: str
    stands_on: StandsOn
    width_cm: RangeCm
    height_cm: RangeCm
    names_en: tuple[str, ...]
    names_zh: tuple[str, ...]

    @property
    def typical_size_cm(self) -> tuple[float, float]:
        """The middle of the usual ranges: (width, height)."""
        return sum(self.width_cm) / 2, sum(self.height_cm) / 2


@cache
def kinds() -> Mapping[str, Kind]:
    """All kinds by id. Raises ``PackagedDataError`` where kinds.yaml is not as expected."""
    return {
        name: Kind(
            id=name,
            group=str(entry["group"]),
            stands_on=_stands_on(name, entry["stands_on"]),
            width_cm=_range(name, entry["width_cm"]),
            height_cm=_range(name, entry["height_cm"]),
            names_en=tuple(entry["en"]),
            names_zh=tuple(entry["zh"]),
        )
        for name, entry in _data()["kinds"].items()
    }


def kind_of(titles: Mapping[str, str], category: str, attributes: Mapping[str, str]) -> str | None:
    """The kind's id, None where the lexicon does not know the product.

    Titles decide, Chinese first, then English, then the others; then the last level of the category; then
    attributes that name a category or type. A title whose head noun is an accessory ("watch strap") ends the
    search.
    """
    ordered = sorted(titles, key=lambda language: {"zh": 0, "en": 1}.get(language, 2))
    named = (value for name, value in attributes.items() if _key(name) in _TYPE_ATTRIBUTES)
    for text in (*(titles[language] for language in ordered), _last_level(category), *named):
        found = _head(text)
        if found is not None:
            return found or None
    return None


_ACCESSORY = ""
_HEAD_LIMIT_CHARS = 400
_TYPE_ATTRIBUTES = frozenset(
    {"categories", "category", "type", "producttype", "类型", "品类", "类目", "种类", "产品类型"}
)
_HAN = re.compile(r"[\u3400-\u9fff]")
_LEVELS = re.compile(r"\s*(?:->|>|/|›|»|\\)\s*")
_EN_BREAKS = re.compile(
    r"\s*(?:\b(?:with|for|in|from|by|featuring|including|of)\b|\bw/|[,;:|(\[【（+]|\s[-–—]\s)\s*"
)
_EN_CONTINUES = re.compile(r"\s*[,;:|]\s*|\s[-–—]\s")
# 带 and 配 start an addition ("with ..."), except inside words such as 表带 (strap) and 配件 (parts).
_ZH_BREAKS = re.compile(
    r"(?<![表领灯绑肩背腰皮吊磁胶编织鞋])带|配(?!件|饰)|附|内?含|赠送?|[+（(\[【,，、；;/]"
)


def _head(text: str) -> str | None:
    """The kind of the head noun, "" for an accessory, None where no name of the lexicon stands in the
    text.
    """
    text = " ".join(unicodedata.normalize("NFKC", text[:_HEAD_LIMIT_CHARS]).split())
    if _HAN.search(text):
        found = _head_zh(text)
        if found is not None:
            return found
    return _head_en(text)


def _head_zh(text: str) -> str | None:
    text = re.sub(r"[(\[【][^)\]】]*[)\]】]", " ", text)
    for group in re.split(r"[\s·|]+", text):
        for part in (*_leading_parts(group), group):
            found = _last_match(part.casefold(), _zh_names())
            if found is not None:
                return found
    return None


def _leading_parts(group: str) -> Iterable[str]:
    cut = _ZH_BREAKS.search(group)
    return (group[: cut.start()],) if cut and cut.start() > 0 else ()


def _last_match(text: str, names: Mapping[str, str]) -> str | None:
    """The id of the name that ends last in ``text``; of those that end together, the longest."""
    best: tuple[int, int] = (-1, 0)
    found = None
    for name, kind in names.items():
        start = text.rfind(name)
        if start >= 0 and (start + len(name), len(name)) > best:
            best, found = (start + len(name), len(name)), kind
    return found


def _head_en(text: str) -> str | None:
    text = text.casefold().replace("_", " ").replace("&", " and ")
    for phrase in _EN_CONTINUES.split(text):
        first = _EN_BREAKS.split(phrase.strip(), maxsplit=1)[0]
        found = _last_word_match(re.findall(r"[a-zà-ÿ0-9]+", first))
        if found is not None:
            return found
    return None


_LONGEST_NAME_WORDS = 4


def _last_word_match(words: list[str]) -> str | None:
    names = _en_names()
    for end in range(len(words), 0, -1):
        for start in range(max(0, end - _LONGEST_NAME_WORDS), end):
            for last in _singulars(words[end - 1]):
                name = " ".join((*words[start : end - 1], last))
                if name in names:
                    return names[name]
    return None


def _singulars(word: str) -> tuple[str, ...]:
    forms = [word]
    if word.endswith("ies"):
        forms.append(f"{word[:-3]}y")
    if word.endswith("es"):
        forms.append(word[:-2])
    if word.endswith("s") and not word.endswith("ss"):
        forms.append(word[:-1])
    return tuple(forms)


def _last_level(category: str) -> str:
    return _LEVELS.split(category.strip())[-1]


def _key(name: str) -> str:
    return re.sub(r"[\s_\-]+", "", name.casefold())


@cache
def _en_names() -> Mapping[str, str]:
    names = {_words(name): _ACCESSORY for name in _data()["accessories"]["en"]}
    names.update((_words(name), kind.id) for kind in kinds().values() for name in kind.names_en)
    return names


@cache
def _zh_names() -> Mapping[str, str]:
    names = {name.casefold(): _ACCESSORY for name in _data()["accessories"]["zh"]}
    names.update((name.casefold(), kind.id) for kind in kinds().values() for name in kind.names_zh)
    return names


def _words(name: str) -> str:
    return " ".join(re.findall(r"[a-zà-ÿ0-9]+", name.casefold()))


@cache
def _data() -> Mapping[str, Mapping[str, dict[str, list[str]]]]:
    data: Mapping[str, Mapping[str, dict[str, list[str]]]] = read_yaml(Path(__file__).with_name("kinds.yaml"))
    return data


def _stands_on(name: str, value: object) -> StandsOn:
    if value == "table" or value == "floor" or value == "any":
        return value
    raise PackagedDataError(f"kinds.yaml: {name} stands on {value!r}; table, floor or any is expected")


def _range(name: str, value: object) -> RangeCm:
    if isinstance(value, list) and len(value) == 2 and 0 < float(value[0]) <= float(value[1]):
        return float(value[0]), float(value[1])
    raise PackagedDataError(f"kinds.yaml: {name} has the size {value!r}; [least, most] in cm is expected")
