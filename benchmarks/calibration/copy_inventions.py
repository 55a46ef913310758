"""How well the proof of copy tells inventions from facts: ``python -m benchmarks.calibration.copy_inventions``.

The offline copywriter writes the sample products (and others, given as catalogs) in eight languages; all of it is
true, so that every finding on it is a false alarm. Into each copy one invention at a time is planted, seeded: a foreign
material, a claim, a figure, a unit (symbol, word or inch mark), a fraction, a count; a sentence that only sounds like
one is the control.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from providers.offline.copywriter import CopyError, write_copy
from skuflow.catalog.product import Product
from skuflow.catalog.readers import read_catalog
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.packaged_yaml import read_yaml
from skuflow.listing.rules.text import text_limits
from skuflow.quality.copy.lexicon import claims, materials
from skuflow.quality.copy.passages import passages_of
from skuflow.quality.copy.statements import known_to
from skuflow.quality.copy_proof import prove

SEED = 20261121
LANGUAGES = ("zh", "en", "es", "fr", "pt", "ru", "de", "ja")
ROOT = Path(__file__).parents[2]
SENTENCES = Path(__file__).with_name("copy_inventions.yaml")
_UNIT_SWAPS = {"cm": "mm", "ml": "L", "kg": "g", "W": "kW", "g": "kg", "mm": "cm", "L": "ml", "m": "cm"}
_UNIT_WORDS = {
    "zh": ("米", "克", "英尺"), "en": ("meters", "grams", "feet"), "es": ("metros", "gramos", "pies"),
    "fr": ("mètres", "grammes", "pieds"), "pt": ("metros", "gramas", "pés"), "ru": ("метров", "граммов", "футов"),
    "de": ("Meter", "Gramm", "Fuß"), "ja": ("メートル", "グラム", "フィート"),
}  # fmt: skip
"""Metres, grams and feet, as words."""
_WORD_SWAPS = {"cm": 0, "mm": 0, "ml": 1, "L": 1, "W": 1, "kg": 1, "g": 2, "m": 2}
_QUANTITY = re.compile(r"(?<![\d.,\w])(\d+(?:[.,]\d+)?)([ \u00a0]?)(cm|ml|kg|W|g|mm|L|m)(?![\w²³])")
_OF_CONTROLS = frozenset({"COPY_UNPROVEN_MATERIAL", "COPY_UNPROVEN_CLAIM", "COPY_UNPROVEN_NUMBER"})
"""A control may invent a colour ("brass-colored screws"); it states no material, claim or figure."""
_PIECES = {
    "zh": "一套{n}件。", "en": "Set of {n} pieces.", "es": "Juego de {n} piezas.", "fr": "Lot de {n} pièces.",
    "pt": "Conjunto de {n} peças.", "ru": "Набор из {n} предметов.", "de": "Set mit {n} Stück.",
    "ja": "{n}個セットです。",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Planted:
    """A copy with one planted sentence or change. ``is_wrong`` is False for controls; ``code`` is the finding that an
    invention must get."""

    kind: str
    copy: ListingCopy
    product: Product
    is_wrong: bool
    code: str


def true_copies(catalogs: Iterable[Path]) -> list[tuple[Product, ListingCopy]]:
    """The offline copywriter's copy of every product in every language that can be written."""
    found = []
    for catalog in catalogs:
        for product in read_catalog(catalog).products:
            for language in LANGUAGES:
                try:
                    copy = write_copy(
                        product,
                        language=language,
                        market=None,
                        marketplace="amazon",
                        shots=4,
                        limits=text_limits("amazon"),
                    )
                except CopyError:
                    continue
                found.append((product, copy))
    return found


def plant(product: Product, copy: ListingCopy, chance: random.Random) -> Iterator[Planted]:
    """Every invention that can be planted in this copy, two materials and three claims drawn by ``chance``."""
    sentences = read_yaml(SENTENCES)
    language = copy.language
    passages = passages_of(product)
    for kind, lexicon, code, count in (
        ("material", materials(), "COPY_UNPROVEN_MATERIAL", 2),
        ("claim", claims(), "COPY_UNPROVEN_CLAIM", 3),
    ):
        known = known_to(lexicon, passages)
        free = [name for name in sentences[f"{kind}s"] if name not in known.stated]
        for name in chance.sample(sorted(free), min(count, len(free))):
            text = _appended(copy, str(sentences[f"{kind}s"][name][language]))
            yield Planted(kind, text, product, True, code)
    denied = known_to(claims(), passages).stated
    for name, texts in sentences["likened"].items():
        if name != "not_waterproof" or "waterproof" not in denied:
            yield Planted("control", _appended(copy, str(texts[language])), product, False, "")
    yield from _figures(product, copy, chance)


def _figures(product: Product, copy: ListingCopy, chance: random.Random) -> Iterator[Planted]:
    code = "COPY_UNPROVEN_NUMBER"
    odd = f"{chance.choice((17, 19, 23, 37, 41, 43))}7"
    yield Planted("count", _appended(copy, _PIECES[language_of(copy)].format(n=odd)), product, True, code)
    quantities = list(_QUANTITY.finditer(copy.description))
    if quantities:
        found = chance.choice(quantities)
        start, end = found.span()
        for kind, text in (
            ("unit", f"{found[1]}{found[2]}{_UNIT_SWAPS[found[3]]}"),
            ("unit word", f"{found[1]} {_UNIT_WORDS[language_of(copy)][_WORD_SWAPS[found[3]]]}"),
            ("inch mark", f'{found[1]}"'),
            ("figure", f"{found[1]}7{found[2]}{found[3]}"),
            ("fraction", f"{found[1]} 9/16{found[2] or ' '}{found[3]}"),
        ):
            changed = copy.description[:start] + text + copy.description[end:]
            yield Planted(kind, copy.model_copy(update={"description": changed}), product, True, code)


def language_of(copy: ListingCopy) -> str:
    return copy.language.partition("-")[0]


def _appended(copy: ListingCopy, sentence: str) -> ListingCopy:
    return copy.model_copy(update={"description": f"{copy.description}\n{sentence}"})


@dataclass(frozen=True, slots=True)
class Tally:
    """What was found of what was planted, and false alarms on true copy and controls."""

    caught: Counter[tuple[str, str]]
    planted: Counter[tuple[str, str]]
    false: Counter[str]
    clean: Counter[str]
    missed: list[tuple[str, str, str]]


def tally(copies: Iterable[tuple[Product, ListingCopy]], seed: int = SEED) -> Tally:
    """Counts by language and kind of invention. A copy or control with any new finding is one false alarm."""
    result = Tally(Counter(), Counter(), Counter(), Counter(), [])
    for product, copy in copies:
        language = language_of(copy)
        chance = random.Random(f"{seed} {product.sku} {language}")
        before = {(finding.code, finding.measured) for finding in prove(copy, product)}
        unproven = {code for code, _ in before if code.startswith("COPY_UNPROVEN")}
        result.clean[language] += 1
        result.false[language] += bool(unproven)
        for planted in plant(product, copy, chance):
            found = {(finding.code, finding.measured) for finding in prove(planted.copy, product)} - before
            codes = {code for code, _ in found}
            if not planted.is_wrong:
                result.clean[language] += 1
                wrong = codes & _OF_CONTROLS
                result.false[language] += bool(wrong)
                if wrong:
                    result.missed.append((language, "false alarm", str(sorted(found))))
                continue
            result.planted[language, planted.kind] += 1
            result.caught[language, planted.kind] += planted.code in codes
            if planted.code not in codes:
                result.missed.append((language, planted.kind, planted.copy.description[-90:]))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalogs", nargs="*", type=Path, default=[ROOT / "samples" / "products.csv"])
    parser.add_argument("--missed", action="store_true", help="list what was missed")
    options = parser.parse_args()
    result = tally(true_copies(options.catalogs))
    kinds = sorted({kind for _, kind in result.planted})
    print(f"| language | precision | recall | {' | '.join(kinds)} | true texts | false alarms |")
    print("| --- " * (len(kinds) + 5) + "|")
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    for language in LANGUAGES:
        caught = sum(result.caught[language, kind] for kind in kinds)
        planted = sum(result.planted[language, kind] for kind in kinds)
        false = result.false[language]
        cells = " | ".join(
            f"{result.caught[language, kind]}/{result.planted[language, kind]}" for kind in kinds
        )
        print(
            f"| {language} | {caught / max(1, caught + false):.3f} | {caught / max(1, planted):.3f} | {cells}"
            f" | {result.clean[language]} | {false} |"
        )
        totals["all"].update(caught=caught, planted=planted, false=false, clean=result.clean[language])
    everything = totals["all"]
    print(
        f"all: precision {everything['caught'] / (everything['caught'] + everything['false']):.3f}, recall"
        f" {everything['caught'] / everything['planted']:.3f} of {everything['planted']}, {everything['false']} false"
        f" alarms in {everything['clean']} true texts"
    )
    if options.missed:
        for line in sorted(set(result.missed)):
            print(*line)


if __name__ == "__main__":
    main()
