"""Names that people type against the titles of two public catalogs: how many find their product, how many another.

Every title is asked whole, misspelt, in another order, shortened, and by its end; then each with its product taken out
of the catalog, where nothing must be taken, and those of one catalog in the other.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.measure import figure
from skuflow.catalog.name_match import ACCEPT, LEAD, SUGGEST, ranked
from skuflow.catalog.readers import read_catalog

DATA = Path(__file__).parents[1].parent / "shared" / "data"
CATALOGS = {"English": "products.csv", "Chinese": "catalog/litemall-zh/products.csv"}
SEED = 7
_NEAR = 15.0

Titles = Mapping[str, tuple[str, ...]]
Change = Callable[[str, random.Random], str]


def misspelt(title: str, chance: random.Random) -> str:
    """One slip, two in titles of twelve characters and more: a character left out, two swapped, or another one."""
    characters = list(title)
    for _ in range(1 if len(characters) < 12 else 2):
        at = chance.randrange(len(characters))
        slip = chance.choice("dsx")
        if slip == "d" and len(characters) > 3:
            del characters[at]
        elif slip == "s" and at + 1 < len(characters):
            characters[at], characters[at + 1] = characters[at + 1], characters[at]
        else:
            characters[at] = chance.choice("aeiourstn" if characters[at].isascii() else "的一新大小好高美")
    return "".join(characters)


def reordered(title: str, chance: random.Random) -> str:
    words = title.split()
    if len(words) > 1:
        chance.shuffle(words)
        return " ".join(words)
    return title[len(title) // 2 :] + title[: len(title) // 2]


def shortened(title: str, chance: random.Random) -> str:
    words = title.split()
    if len(words) > 2:
        del words[chance.randrange(len(words))]
        return " ".join(words)
    length = max(3, int(len(title) * 0.6))
    start = chance.choice((0, len(title) - length))
    return title[start : start + length]


def ending(title: str, chance: random.Random) -> str:
    words = title.split()
    return " ".join(words[-2:]) if len(words) > 1 else title[-4:]


CHANGES: tuple[Change, ...] = (lambda title, chance: title, misspelt, reordered, shortened, ending)


def answer(name: str, titles: Titles) -> tuple[str | None, tuple[str, ...]]:
    """The SKU that is taken, or those that a person is asked about, as ``skuflow.catalog.names`` does."""
    fits = ranked(name, titles)
    best, score = fits[0]
    second = fits[1][1]
    if score >= 100.0 > second or (score >= ACCEPT and score - second >= LEAD):
        return best, ()
    shown = [sku for sku, other in fits[:5] if score >= SUGGEST and other >= max(SUGGEST, score - _NEAR)]
    return None, tuple(shown)


def main() -> int:
    if not DATA.is_dir():
        print("names: the public catalogs stand in shared/data beside the checkout; passed over")
        return 0
    shops = {language: _titles(DATA / name) for language, name in CATALOGS.items()}
    begun_s, asked = time.perf_counter(), 0
    for language, titles in shops.items():
        counts = _known(titles)
        asked += counts.total()
        figure(f"names of known products, {language}", "; ".join(f"{counts[kind]} {kind}" for kind in _KINDS))
        absent = sum(_taken_without_it(sku, titles) for sku in titles)
        figure(f"names of absent products, {language}", f"{absent} of {len(titles)} taken for a relative")
        others = [title for name, other in shops.items() if name != language for title, *_ in other.values()]
        foreign = sum(answer(title, titles)[0] is not None for title in others)
        figure(f"names of another shop, {language}", f"{foreign} of {len(others)} taken")
        asked += len(titles) + len(others)
    figure("one name", f"{1000 * (time.perf_counter() - begun_s) / asked:.1f} ms")
    return 0


_KINDS = ("right", "wrong", "asked with the right one", "missed")


def _known(titles: Titles) -> Counter[str]:
    counts: Counter[str] = Counter()
    chance = random.Random(SEED)
    for change in CHANGES:
        for sku, (title, *_) in titles.items():
            taken, shown = answer(change(title, chance), titles)
            if taken is None:
                counts["asked with the right one" if sku in shown else "missed"] += 1
            else:
                counts["right" if titles[taken] == titles[sku] else "wrong"] += 1
    return counts


def _taken_without_it(sku: str, titles: Titles) -> bool:
    rest = {other: named for other, named in titles.items() if named != titles[sku]}
    return answer(titles[sku][0], rest)[0] is not None


def _titles(path: Path) -> Titles:
    return {product.sku: tuple(product.titles.values()) for product in read_catalog(path).products}


if __name__ == "__main__":
    sys.exit(main())
