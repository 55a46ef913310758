"""How well the text gate finds what is wrong with titles, and how often it is wrong itself.

Misspellings and contradictions are planted, by a fixed seed, into words and products that are right. The real catalogs
stand beside the checkout; where they are absent, the figures on them are left out.
"""

from __future__ import annotations

import csv
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import figure
from skuflow.catalog.gate.judging import packaged_rules
from skuflow.catalog.gate.text_gate import check_text
from skuflow.catalog.gate.text_gate.contradictions import attributes_stating, contradictions
from skuflow.catalog.gate.text_gate.english import english_words
from skuflow.catalog.gate.text_gate.figures import figures
from skuflow.catalog.gate.text_gate.spelling import suspects
from skuflow.catalog.gate.text_gate.words import said_in
from skuflow.catalog.product import Product, ProductSource
from skuflow.catalog.readers import read_catalog
from skuflow.listing.findings import Finding

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
SEED = 20261121
SLIPS_A_WORD = 10
AIM_FALSE_ALARMS = 0.02

LISTING_WORDS = (
    "portable", "wireless", "leather", "kitchen", "charger", "speaker", "cushion", "curtain", "blanket", "lantern",
    "battery", "monitor", "keyboard", "umbrella", "backpack", "necklace", "bracelet", "sunglasses", "suitcase",
    "mattress", "flashlight", "humidifier", "organizer", "ceramic", "cotton", "bamboo", "stainless", "insulated",
    "adjustable", "foldable", "rechargeable", "magnetic", "waterproof", "minimalist", "bedroom", "camping",
)  # fmt: skip
UNLISTED_BRANDS = (
    "Homdox", "Bestek", "Kingso", "Zolife", "Roidmi", "Oclean", "Bebird", "Ulanzi", "Smallrig", "Hagibis", "Orico",
    "Vention", "Mcdodo", "Joyroom", "Hoco", "Remax", "Awei", "Tronsmart", "Blitzwolf", "Haylou", "Mibro", "Imilab",
    "Blackview", "Doogee", "Oukitel", "Ulefone", "Cubot", "Umidigi", "Teclast", "Chuwi", "Beelink", "Minisforum",
    "Creality", "Elegoo", "Anycubic", "Worx", "Einhell", "Deko", "Vevor", "Songmics", "Vasagle", "Homcom", "Cecotec",
    "Orbegozo", "Ufesa", "Solac", "Rowenta", "Moulinex", "Krups", "Severin", "Melitta", "Grundig", "Bissell",
    "Proscenic", "Ilife", "Lefant", "Levoit", "Winix", "Honeywell", "Vornado", "Cosori", "Gourmia", "Chefman",
    "Oster", "Farberware", "Calphalon", "Hario", "Kalita", "Timemore", "Bodum", "Chemex", "Alessi", "Zwilling",
    "Victorinox", "Leatherman", "Spyderco", "Olight", "Nitecore", "Sofirn", "Svbony", "Meade", "Vixen", "Kowa",
    "Zenni", "Shein", "Temu", "Romwe", "Zaful", "Gymshark", "Hanes", "Gildan", "Wacoal", "Uwell", "Vaporesso",
)  # fmt: skip


def main() -> int:
    products = tuple(_real_products())
    _spelling("words of listings", LISTING_WORDS)
    _spelling("other words of real descriptions", tuple(_described_words()))
    _brands()
    if products:
        _contradictions(products)
        _false_alarms(products)
        _speed(products)
    return 0


def _titled(title: str) -> Product:
    return Product(sku="B-1", titles={"en": title}, source=ProductSource(catalog="benchmark"))


def _slip(word: str, chance: random.Random) -> str:
    """``word`` with one letter missing, too many, wrong or swapped; its first letter stays."""
    cut = chance.randrange(1, len(word) - 1)
    letter = chance.choice("aeioulnrst")
    return chance.choice(
        (
            word[:cut] + word[cut + 1 :],
            word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :],
            word[:cut] + letter + word[cut:],
            word[:cut] + letter + word[cut + 1 :],
        )
    )


def _spelling(name: str, words: tuple[str, ...]) -> None:
    chance = random.Random(SEED)
    planted = [(word, _slip(word, chance)) for word in words for _ in range(SLIPS_A_WORD)]
    planted = [(word, slip) for word, slip in planted if slip != word and slip not in english_words()]
    found = right = 0
    for word, slip in planted:
        written = slip.capitalize()
        named = {s.word: s.suggestion for s in suspects(_titled(f"The Large {written} for Home and Office"))}
        found += written in named
        right += named.get(written, "").casefold() == word
    if planted:
        figure(f"misspelt {name} found, of {len(planted)}", found / len(planted))
        figure("  of these with the right suggestion", right / max(found, 1))


def _described_words() -> Iterator[str]:
    path = DATA / "catalog" / "spree" / "products.csv"
    if not path.is_file():
        return
    with path.open(encoding="utf-8", newline="") as file:
        text = " ".join(row.get("description") or "" for row in csv.DictReader(file))
    yield from sorted({word.lower() for word in re.findall(r"[A-Za-z]{6,}", text)} & english_words().keys())


def _brands() -> None:
    alarms = [
        brand
        for brand in UNLISTED_BRANDS
        for title in (f"{brand} Portable Wireless Speaker", f"Portable Wireless {brand} Speaker")
        if any(suspect.word == brand for suspect in suspects(_titled(title)))
    ]
    figure(f"brands that no list knows taken for misspellings, of {len(UNLISTED_BRANDS)}", len(set(alarms)))


def _real_products() -> Iterator[Product]:
    yield from read_catalog(ROOT / "samples" / "products.csv").products
    if (DATA / "products.csv").is_file():
        yield from read_catalog(DATA / "products.csv").products
    chinese = DATA / "catalog" / "litemall-zh" / "products.csv"
    if chinese.is_file():
        with TemporaryDirectory() as folder:
            yield from read_catalog(_with_local_photos(chinese, Path(folder))).products


def _with_local_photos(catalog: Path, folder: Path) -> Path:
    """The catalog with one empty photo for all rows: theirs are remote, and not looked at here."""
    (folder / "a.jpg").touch()
    with catalog.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    column = header.index("images")
    with (folder / "c.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *([*row[:column], "a.jpg", *row[column + 1 :]] for row in rows)])
    return folder / "c.csv"


_WRONG = {"volume": ("容量", "7777 ml"), "across": ("尺寸", "11 × 13 cm"), "power": ("功率", "3 W")}


def _contradictions(products: tuple[Product, ...]) -> None:
    planted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for product in products:
        for what, name, value in _contrary(product):
            named = attributes_stating(what, product.attributes) or {name: ""}
            attributes = {**product.attributes, **dict.fromkeys(named, value)}
            changed = product.model_copy(update={"attributes": attributes, "selling_points": {}})
            planted[what] += 1
            found[what] += bool(contradictions(changed))
    for what, count in planted.items():
        figure(f"planted contradictions of {what} found", f"{found[what]} of {count}")


def _contrary(product: Product) -> Iterator[tuple[str, str, str]]:
    """What the title says, by class or dimension, with an attribute that says otherwise."""
    said = {word.word_class: word.concept for title in product.titles.values() for word in said_in(title)}
    metal = {"stainless_steel", "steel", "iron", "metal", "aluminium", "alloy", "enamel"}
    if "material" in said:
        yield "material", "材质", "100%棉" if said["material"] in metal else "不锈钢"
    if said.get("colour", "multi") not in ("multi", "clear"):
        yield "colour", "颜色", "红色" if "green" in said["colour"] else "绿色"
    dimensions = {one.dimension for title in product.titles.values() for one in figures(title)}
    yield from ((what, *_WRONG[what]) for what in _WRONG if what in dimensions)


def _false_alarms(products: tuple[Product, ...]) -> None:
    doubtful = (
        "SPELLING_SUSPICIOUS",
        "TITLE_CONTRADICTS_ATTRIBUTE",
        "TITLE_ODD_ABBREVIATION",
        "TITLE_SHOUTING",
    )
    counts = Counter(code for product in products for code in {finding.code for finding in _checked(product)})
    for code in (*doubtful, "CATEGORY_UNKNOWN", "TITLE_FEW_ATTRIBUTES", "PARAMETERS_INCOMPLETE"):
        aim = f"at most {AIM_FALSE_ALARMS:.0%} false" if code in doubtful else ""
        figure(f"{len(products)} real products, with {code}", counts[code], aim=aim)


def _checked(product: Product) -> tuple[Finding, ...]:
    return check_text(product, packaged_rules(), markets=product.target_markets, style=product.style)


def _speed(products: tuple[Product, ...]) -> None:
    started_s = time.process_time()
    for product in products:
        _checked(product)
    figure("CPU per product, all loaded", 1000 * (time.process_time() - started_s) / len(products), "ms", "5")


if __name__ == "__main__":
    sys.exit(main())
