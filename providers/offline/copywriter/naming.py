"""What the product is called: the noun with what its title says about it, the listing's title."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from providers.offline.copywriter.facts import has_ideographs
from providers.offline.copywriter.grammar import (
    agree,
    capitalised,
    german_adjective,
    german_compound,
    plural_of,
)
from providers.offline.copywriter.lexicon import (
    Feature,
    Noun,
    color_ids,
    lexicon,
    parse_noun,
    style,
)
from providers.offline.copywriter.statements import Statement
from providers.offline.copywriter.units import is_quantity
from providers.offline.copywriter.values import Translator, slots_of
from skuflow.catalog.product import Product
from skuflow.listing.rules.text import TextLimits

_TITLE_MEASURES = ("capacity", "load", "wattage", "size", "diameter")
_POWER_KINDS = frozenset(
    {"speaker", "charger", "light_bulb", "desk_lamp", "hairdryer", "coffee_machine", "toaster", "kettle"}
    | {"air_fryer", "vacuum", "fan"}
)
"""Kinds whose power is a reason to choose them."""
_LIT_KINDS = frozenset({"flashlight", "light_bulb", "filter", "camera"})
"""Kinds where a colour in the title may be that of the light, not of the thing."""
MATERIAL_COLORS = frozenset({"stainless_steel", "natural_wood"})
"""Colours that are named after what the thing is made of."""
_UNIT_WORDS = frozenset({"kg", "cm", "mm", "ml", "lb", "oz", "in", "min"})
_WITH = frozenset({"with", "con", "avec", "com", "с", "mit"})


@dataclass(frozen=True, slots=True)
class Name:
    """``core`` is the full name in the language, ``short`` the bare noun; ``gender`` is the noun's. ``translated`` is
    False where only a name of another language could be used; ``features`` are the title's features it tells."""

    core: str
    short: str
    gender: str
    noun: Noun | None
    features: tuple[tuple[Feature, str], ...] = ()
    translated: bool = True


def name_of(product: Product, language: str) -> Name | None:
    """The product's name: its own title in ``language``, else built from its kind, else an English title. None when
    there is only a title in another script."""
    source = " ".join(product.titles.get(lang, "") for lang in ("zh", "en"))
    noun = lexicon().kinds.get(product.kind or "", {}).get(language)
    features = _features(source, product.kind or "", language)
    for feature, text in features:
        if feature.slot == "kind" and noun is not None:
            closer = parse_noun(text)
            noun = Noun(closer.text, closer.gender, (noun.text, *noun.synonyms))
    features = tuple(item for item in features if item[0].slot != "kind")
    gender = noun.gender if noun else ""
    own = product.titles.get(language, "").strip()
    if own:
        return Name(own, noun.text if noun else own, gender, noun, features)
    if noun is not None:
        return Name(capitalised(phrase(noun, features, language)), noun.text, gender, noun, features)
    fallback = next((text for text in product.titles.values() if text and not has_ideographs(text)), "")
    if fallback and re.search(r"[A-Za-z]", fallback):
        return Name(fallback, fallback, gender, None, (), translated=language == "en")
    return None


def _features(source: str, kind: str, language: str) -> tuple[tuple[Feature, str], ...]:
    """The features that ``source`` (the titles) states, with their text in ``language`` (forms not chosen yet)."""
    found: list[tuple[Feature, str]] = []
    seen: set[str] = set()
    translator = Translator(language)
    for feature in lexicon().features:
        if (feature.only and kind not in feature.only) or seen.intersection(feature.unless):
            continue
        match = feature.pattern.search(source)
        if match is None or language not in feature.written:
            continue
        text = translator.filled(feature.written[language], slots_of(match))
        if text:
            seen.add(feature.id)
            found.append((feature, text))
    return tuple(found)


def phrase(noun: Noun, features: Sequence[tuple[Feature, str]], language: str) -> str:
    """``noun`` with its features in the order and the forms of ``language``."""
    slots: dict[str, list[str]] = {}
    head = noun.text
    for feature, text in sorted(features, key=lambda item: item[1].endswith("-")):
        if text.endswith(("-", "+")) and language in ("de", "ru"):
            head = german_compound(text, head)
            continue
        slot, written = _formed(feature, text, noun.gender, language)
        slots.setdefault(slot, []).append(written)
    slots["noun"] = [head]
    words = [word for slot in style(language).order for word in slots.get(slot, ())]
    if style(language).spaced:
        return _and_instead_of_repeats(words, language)
    return re.sub(r"(?<=[A-Za-z0-9])(?=\|[A-Za-z0-9])\|", " ", "|".join(words)).replace("|", "")


def _and_instead_of_repeats(words: Sequence[str], language: str) -> str:
    """The words as one text; "with a with b" becomes "with a and b"."""
    text = words[0]
    for before, word in pairwise(words):
        preposition, _, rest = word.partition(" ")
        repeated = rest and preposition in _WITH and before.startswith(f"{preposition} ")
        text += f" {style(language).and_} {rest}" if repeated else f" {word}"
    return text


def _formed(feature: Feature, text: str, gender: str, language: str) -> tuple[str, str]:
    """The slot and the form of a feature beside a noun of ``gender``."""
    slot = feature.slots.get(language, feature.slot)
    if text.endswith("~"):
        return "adj", german_adjective(text[:-1], gender)
    if "|" in text or text.startswith("="):
        after = language == "ru" and text.startswith("=")
        return ("after" if after else slot), agree(text, gender, language)
    if slot == "adj" and language in ("es", "fr", "pt") and gender.endswith("p"):
        return slot, plural_of(text, language)
    if language in ("de", "ru") and slot == "model":
        return "after", text
    if language == "en" and slot == "with" and not text.startswith(("with", "in ")):
        return "adj", text
    if language == "ru" and slot in ("of", "use", "style"):
        return "with", text
    return slot, text


def title_of(
    product: Product, name: Name, statements: Sequence[Statement], language: str, limits: TextLimits
) -> str:
    """Brand, name, and as many of measure and colour as the limits leave room for."""
    brand = product.brand.strip()
    if has_ideographs(brand) and language != "zh":
        brand = ""
    if brand and brand.lower() in name.core.lower():
        brand = ""
    named = name.core if product.titles.get(language) else _title_case(name.core, language)
    core = f"{brand} {named}".strip()
    additions = (
        _measure(product, name, statements, language),
        _colors(product, statements, name, language),
    )
    extras = [_title_case(text, language) for text in additions if text]
    for kept in (extras, extras[:1], extras[1:], []):
        title = _allowed(_with_extras(core, kept, language), limits, product.brand)
        if len(title) <= limits.title_max_chars and _repeats(title) <= (limits.word_repeat_max or 99):
            return title
    plain = _without_repeats(_allowed(core, limits, product.brand), limits.word_repeat_max)
    return cut(plain, limits.title_max_chars)


def _title_case(text: str, language: str) -> str:
    """English words with a capital, as titles have them; units, small words and other languages as they are."""
    if language != "en":
        return text

    def word(found: re.Match[str]) -> str:
        return found[0] if found[0] in _SMALL_WORDS | _UNIT_WORDS else capitalised(found[0])

    return re.sub(r"(?<![\w'])[a-z][a-z']+", word, text)


def _with_extras(core: str, extras: Sequence[str], language: str) -> str:
    manner = style(language)
    return manner.title_extras.format(core=core, extras=manner.title_join.join(extras)) if extras else core


def _measure(product: Product, name: Name, statements: Sequence[Statement], language: str) -> str:
    """The one figure for the title; a size only where a title of the catalog states it too."""
    stated = " ".join(product.titles.values())
    known = re.findall(r"\d+(?:[.,]\d+)?", name.core)
    by_id = {statement.id: statement for statement in statements if statement.value}
    for id_ in _TITLE_MEASURES:
        statement = by_id.get(id_)
        if statement is None or not is_quantity(statement.value):
            continue
        if id_ == "wattage" and product.kind not in _POWER_KINDS:
            continue
        numbers = re.findall(r"\d+(?:[.,]\d+)?", statement.value)
        if set(numbers) & set(known):
            return ""
        if id_ == "size" and not set(numbers) <= set(re.findall(r"\d+(?:\.\d+)?", stated)):
            continue
        if id_ in ("capacity", "wattage", "size"):
            return statement.value
        return style(language).member.format(label=statement.label, value=statement.value)
    return ""


def _colors(product: Product, statements: Sequence[Statement], name: Name, language: str) -> str:
    """The colours for the title, unless it names them already or they are a choice of several."""
    stated = next((s for s in statements if s.id == "color"), None)
    if stated is None:
        written = _title_color(product, name, language)
    else:
        raw = " ".join(stated.facts[0].values)
        is_choice = len(stated.facts[0].values) > 1 or re.search(r"[,;，、；]", raw)
        if is_choice or color_ids(raw) & color_ids(name.core):
            return ""
        term = lexicon().color(raw)
        agrees = term is not None and language in ("es", "fr", "pt") and name.noun is not None
        written = agree(term.written[language], name.gender, language) if term and agrees else stated.value
    return style(language).title_color.format(colors=written) if written else ""


def _title_color(product: Product, name: Name, language: str) -> str:
    """The one colour that the catalog's titles name, where no attribute does."""
    if product.kind in _LIT_KINDS or name.noun is None or product.titles.get(language):
        return ""
    stated = color_ids(" ".join(product.titles.values())) - MATERIAL_COLORS
    if len(stated) != 1:
        return ""
    term = lexicon().color(stated.pop())
    if term is None:
        return ""
    if language in ("es", "fr", "pt"):
        return agree(term.written[language], name.gender, language)
    return Translator(language).color(term.id) or ""


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{2,}", text.lower())


_SMALL_WORD_LIST = """
a an and the of in on with for to by
de del la el los las con en y e para por
du des le les et à au aux avec pour
do da dos das com em o os as no na
и с в из для на со
mit und aus im zum zur der die das von
"""
_SMALL_WORDS = frozenset(_SMALL_WORD_LIST.split())
"""Articles, prepositions and conjunctions, which may repeat."""


def _repeats(title: str) -> int:
    counts = Counter(word for word in _words(title) if word not in _SMALL_WORDS)
    return max(counts.values(), default=0)


def _without_repeats(title: str, most: int | None) -> str:
    if most is None:
        return title
    seen: Counter[str] = Counter()
    kept: list[str] = []
    for token in title.split(" "):
        words = [word for word in _words(token) if word not in _SMALL_WORDS]
        seen.update(words)
        if all(seen[word] <= most for word in words):
            kept.append(token)
    return " ".join(kept)


def _allowed(text: str, limits: TextLimits, brand: str) -> str:
    """``text`` without what may not stand in a title; inside the brand's name everything may."""
    forbidden = str.maketrans(dict.fromkeys(limits.title_forbidden_chars, " "))
    name = brand.strip()
    around = text.split(name) if name else [text]
    return " ".join(name.join(part.translate(forbidden) for part in around).split())


def cut(text: str, max_chars: int) -> str:
    """``text`` within ``max_chars``, ending at a whole word without dangling punctuation."""
    if len(text) <= max_chars:
        return text
    kept = text[:max_chars]
    if not has_ideographs(text) and text[max_chars : max_chars + 1].strip() and " " in kept:
        kept = kept.rsplit(" ", 1)[0]
    while kept.count("（") > kept.count("）") or kept.count("(") > kept.count(")"):
        kept = kept[: max(kept.rfind("（"), kept.rfind("("))]
    kept = kept.rstrip(" ,;:/–-—(（、・·+&")
    while (last := kept.rsplit(" ", 1))[-1].lower() in _SMALL_WORDS and len(last) == 2:
        kept = last[0].rstrip(" ,;:/–-—")
    return kept


def short_name(name: Name, max_chars: int) -> str:
    """The longest of the full name, the noun, and the noun's first words that fits a caption."""
    for text in (name.core, capitalised(name.short)):
        if len(text) <= max_chars:
            return text
    return cut(capitalised(name.short), max_chars)
