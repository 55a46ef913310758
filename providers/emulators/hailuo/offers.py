"""What MiniMax sells: models, their limits and list prices (pages "Video generation" v1 and v2, "Pricing"; 2026-10).

Prices are CNY. Those of Hailuo-02 and of MiniMax-H3-Max were not on the pages read: unconfirmed, to be given to the
emulator where they matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

FREE_INPUT_IMAGES = 5
INPUT_IMAGE_PRICE = Decimal("0.25")
"""CNY for each input image of v2 after the first five; the page says $0.04, converted as its other prices are."""

RATIOS: Mapping[str, tuple[int, int]] = {
    "21:9": (21, 9),
    "16:9": (16, 9),
    "4:3": (4, 3),
    "1:1": (1, 1),
    "3:4": (3, 4),
    "9:16": (9, 16),
}


@dataclass(frozen=True, slots=True)
class ClipModel:
    """A v1 model, sold by the clip. The keys of ``prices`` are all (resolution, seconds) that it makes."""

    prices: Mapping[tuple[str, int], Decimal]
    needs_first_frame: bool = False
    takes_last_frame: bool = False


@dataclass(frozen=True, slots=True)
class SecondModel:
    """A v2 model, sold by the second of output. The keys of ``prices_per_s`` are the resolutions that it makes."""

    prices_per_s: Mapping[str, Decimal]
    least_s: int
    most_s: int = 15
    takes_references: bool = True


def _clips(p768_6: str, p768_10: str, p1080_6: str, **more: str) -> dict[tuple[str, int], Decimal]:
    prices = {("768P", 6): p768_6, ("768P", 10): p768_10, ("1080P", 6): p1080_6}
    if more:
        prices |= {("512P", 6): more["p512_6"], ("512P", 10): more["p512_10"]}
    return {key: Decimal(price) for key, price in prices.items()}


CLIP_MODELS: Mapping[str, ClipModel] = {
    "MiniMax-Hailuo-2.3": ClipModel(_clips("2.0", "4.0", "3.5")),
    "MiniMax-Hailuo-2.3-Fast": ClipModel(_clips("1.35", "2.25", "2.31"), needs_first_frame=True),
    # Its prices are unconfirmed: taken to be those of 2.3, with 512P at a third.
    "MiniMax-Hailuo-02": ClipModel(
        _clips("2.0", "4.0", "3.5", p512_6="0.6", p512_10="1.0"), takes_last_frame=True
    ),
}

SECOND_MODELS: Mapping[str, SecondModel] = {
    "MiniMax-H3": SecondModel({"768P": Decimal("0.50"), "2K": Decimal("0.80")}, least_s=4),
    # Its prices are unconfirmed: taken to be those of H3, 480P at half.
    "MiniMax-H3-Max": SecondModel(
        {"480P": Decimal("0.25"), "768P": Decimal("0.50")}, least_s=5, takes_references=False
    ),
}

_SHORT_SIDE_PX: Mapping[str, int] = {"480P": 480, "512P": 512, "768P": 768, "1080P": 1080, "2K": 1440}


def size_px(resolution: str, ratio: float) -> tuple[int, int]:
    """Width and height of a clip whose width is ``ratio`` times its height; even, as H.264 wants it."""
    short = _SHORT_SIDE_PX[resolution]
    long = 2 * round(short * max(ratio, 1 / ratio) / 2)
    return (long, short) if ratio >= 1 else (short, long)


def input_images_price(count: int) -> Decimal:
    """What the input images of one v2 task cost, CNY."""
    return max(0, count - FREE_INPUT_IMAGES) * INPUT_IMAGE_PRICE
