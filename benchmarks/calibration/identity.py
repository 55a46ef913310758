"""How well identity tells a product that was changed from one that only stands in another light.

Composites of the sample products, and of the usable real photos where these stand beside the checkout, as they are
(also compressed harder and relit) against the same with a planted defect. The figures are given for each half
of the products, so that a limit that only suits some of them shows.

``python -m benchmarks.calibration.identity [SCENES PER PRODUCT]``.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from benchmarks.calibration.identity_defects import TextBox, flattened, planted
from benchmarks.calibration.identity_prints import LETTERED, TEXTS, lettered
from benchmarks.measure import cpu_s, figure
from skuflow.quality.image_scores import score_image
from skuflow.quality.scoring import Score
from skuflow.studio.compose import compose_scene
from skuflow.studio.cutout import cut_out
from skuflow.studio.picture import BoxPx, Composite, Cutout, Pixels, SizePx, StudioError
from skuflow.studio.scenes import load_scenes

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data" / "photos"
SIZES_PX: tuple[SizePx, ...] = ((800, 800), (1200, 630), (1080, 1920))
SURE_RATIO = 0.6
SCENES_PER_PRODUCT = 3
AIM_AUC, AIM_BLOCKED = 0.95, 0.02
BLOCKED_BELOW = 70.0
"""Overall score at which a person should look."""

KINDS: tuple[tuple[str, ...], ...] = (
    ("01_mug", "mug"),
    ("03_camp_chair", "03_camp_chair_b"),
    ("2-slice-toaster-black", "06_air_fryer"),
    ("air-purifier-pro", "air-purifier-pro-matte-black", "air-purifier-compact-black"),
    ("automatic-espresso-machine", "automatic-espresso-machine-silver", "automatic-espresso-machine-matte-black"),
    ("bagless-upright-vacuum", "bagless-upright-vacuum-black-and-blue", "bagless-upright-vacuum-black-and-red"),
    ("beard-trimmer-3000", "beard-trimmer-3000-dark-grey", "beard-trimmer-3000-black"),
    ("temperature-control-kettle", "temperature-control-kettle-stainless-steel",
     "temperature-control-kettle-matte-black"),
    ("NationalParkFoundationExplorascope", "StarsenseExplorer"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A picture of ``product`` in ``scene``; ``defect`` is empty for a genuine one."""

    product: str
    scene: str
    defect: str
    picture: Pixels
    box_px: BoxPx
    in_front: Pixels | None


def usable_cutouts(wanted: Sequence[str] | None = None) -> dict[str, Cutout]:
    """By the photo's name: the products that could be cut out of the photos at hand, or of the ``wanted`` ones."""
    photos = sorted((ROOT / "samples" / "photos").glob("*.jpg"))
    if SHARED.is_dir():
        photos += sorted(path for path in SHARED.rglob("*") if path.suffix in {".jpg", ".webp"})
    found: dict[str, Cutout] = {}
    for path in photos:
        if wanted is not None and path.stem not in wanted:
            continue
        try:
            with Image.open(path) as photo:
                cutout = cut_out(np.asarray(ImageOps.exif_transpose(photo).convert("RGB"), dtype=np.uint8))
        except StudioError:
            continue
        if not cutout.touches and cutout.confidence_ratio >= SURE_RATIO:
            found[path.stem] = cutout
    return found


def with_lettered(cutouts: dict[str, Cutout]) -> tuple[dict[str, Cutout], dict[str, tuple[TextBox, ...]]]:
    """The products, those without print a second time with a word on them, and where print stands on each."""
    found, texts = dict(cutouts), dict(TEXTS)
    for number, (name, cutout) in enumerate(cutouts.items()):
        made = None if name in TEXTS else lettered(cutout, number)
        if made is not None:
            found[name + LETTERED], texts[name + LETTERED] = made[0], (made[1],)
    return found, texts


def cases(
    cutouts: Mapping[str, Cutout],
    scenes_per_product: int,
    texts: Mapping[str, tuple[TextBox, ...]] = TEXTS,
) -> Iterator[Case]:
    """Genuine and planted pictures, the same on every machine; scenes and shapes take turns. Of lettered products only
    the print is changed."""
    scenes = list(load_scenes().values())
    for number, (name, cutout) in enumerate(cutouts.items()):
        for turn in range(scenes_per_product):
            at = number * scenes_per_product + turn
            scene, size = scenes[(5 * at) % len(scenes)], SIZES_PX[at % len(SIZES_PX)]
            try:
                composite = compose_scene(cutout, scene, size)
            except StudioError:
                continue
            seed = 1000 * number + turn
            for label, picture in _pictures(composite, name, cutouts, seed, texts.get(name, ())):
                yield Case(name, scene.id, label, picture, composite.product_box_px, composite.overlay)


def _pictures(
    composite: Composite,
    name: str,
    cutouts: Mapping[str, Cutout],
    seed: int,
    texts: tuple[TextBox, ...],
) -> Iterator[tuple[str, Pixels]]:
    genuine = flattened(composite, composite.product)
    yield "", compressed(genuine, 90)
    yield "", compressed(genuine, 72)
    yield "", compressed(_relit(composite, seed), 90)
    kind = next((kind for kind in KINDS if name in kind), ())
    others = [cutouts[one] for one in kind if one != name and one in cutouts]
    other = others[seed % len(others)].rgba if others else None
    for one in planted(composite, texts, other, seed):
        if name.endswith(LETTERED) and not one.defect.startswith("print"):
            continue
        yield one.defect, compressed(flattened(composite, one.layer), 90)


def compressed(picture: Pixels, quality: int) -> Pixels:
    """Through JPEG of that quality and back, with chroma at half its height and width."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality, subsampling=2)
    with Image.open(buffer) as decoded:
        return np.asarray(decoded.convert("RGB"), dtype=np.uint8)


def _relit(composite: Composite, seed: int) -> Pixels:
    """The whole picture in brighter or darker, warmer or cooler light, as a vendor's model may grade it."""
    rng = np.random.default_rng(seed)
    warmth = rng.uniform(-0.12, 0.12)
    gains = np.exp(rng.uniform(-0.2, 0.2) + np.array([warmth, 0.0, -warmth]))
    light = (flattened(composite, composite.product).astype(np.float32) / 255) ** 2.2 * gains
    return np.clip(255 * np.clip(light, 0, 1) ** (1 / 2.2) + 0.5, 0, 255).astype(np.uint8)


def scored(case: Case, source: Cutout) -> Score:
    """The picture's score, its product's place being known."""
    height, width = case.picture.shape[:2]
    return score_image(
        case.picture,
        role="scene",
        source=source,
        product_box_px=case.box_px,
        size_px=(width, height),
        in_front=case.in_front,
    )


def least_answer(score: Score) -> float:
    """0..1, the least that any measure of identity or of the cut leaves of the product; 0 where it was not found."""
    answers = [value for name, value in score.measures.items() if name.startswith("identity_")]
    # What the cut cost, on the same scale: the worst step takes all of it.
    cut = 1 - sum(score.lost_by(name) for name in ("image_cut_fringe", "image_cut_bitten")) / 35
    return min([*answers, max(0.0, cut)]) if answers else 0.0


def auc(good: Sequence[float], bad: Sequence[float]) -> float:
    """Chance that a planted picture has the lower value than a genuine one, ties counting half."""
    order = np.sort(np.asarray(good))
    values = np.asarray(bad)
    above = order.size - np.searchsorted(order, values, side="right")
    level = np.searchsorted(order, values, side="right") - np.searchsorted(order, values, side="left")
    return float((above + level / 2).mean() / order.size)


def is_in_second_half(product: str, products: Sequence[str]) -> bool:
    """Whether it is in the second half: every second product by name; a lettered one goes with itself as it was."""
    names = sorted({name.removesuffix(LETTERED) for name in products})
    return names.index(product.removesuffix(LETTERED)) % 2 == 1


def main(arguments: Sequence[str]) -> int:
    cv2.setNumThreads(1)
    cutouts, texts = with_lettered(usable_cutouts())
    rows: list[tuple[str, str, float, float]] = []
    spent = cpu_s()
    scoring_s = 0.0
    for case in cases(cutouts, int(arguments[0]) if arguments else SCENES_PER_PRODUCT, texts):
        before = cpu_s()
        score = scored(case, cutouts[case.product])
        scoring_s += cpu_s() - before
        rows.append((case.product, case.defect, least_answer(score), score.overall))
    products = sorted(cutouts)
    for half, second in (("first half", False), ("second half", True)):
        part = [row for row in rows if is_in_second_half(row[0], products) is second]
        good = [row for row in part if not row[1]]
        bad = [row for row in part if row[1]]
        blocked = float(np.mean([row[3] < BLOCKED_BELOW for row in good]))
        print(f"{half}: {len({row[0] for row in part})} products, {len(good)} genuine, {len(bad)} planted")
        figure("genuine below 70 points", 100 * blocked, "%", f"<= {100 * AIM_BLOCKED:g} %")
        ratio = [row[2] for row in good]
        figure("all defects: AUC", auc(ratio, [row[2] for row in bad]), aim=f">= {AIM_AUC}")
        for defect in dict.fromkeys(row[1] for row in bad):
            those = [row for row in bad if row[1] == defect]
            found = float(np.mean([row[3] < BLOCKED_BELOW for row in those]))
            figure(
                f"{defect} ({len(those)}): AUC {auc(ratio, [row[2] for row in those]):.3f}, below 70 points",
                100 * found,
                "%",
            )
    figure("scoring", len(rows) / scoring_s, "pictures per CPU-second")
    figure("all of it", cpu_s() - spent, "CPU-s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
