"""How well the intake gate's measures tell good photos from photos with a planted defect.

Controls are the project's sample photos and, where they stand beside the checkout, the real ones of the shared data;
each is planted with every defect. Limits were chosen by one half of the photos, the other half is held out.
``python -m benchmarks.calibration.photos [--photos N] [--only DEFECT...] [--cache DIR] [--write]``.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import yaml

from benchmarks.calibration.figures import Figures, figures, is_held_out
from benchmarks.calibration.planted import PLANTERS, plant
from benchmarks.measure import cpu_s, figure
from skuflow.catalog.gate.judging import GateRule, packaged_rules
from skuflow.catalog.photos import PhotoError, load_photo
from skuflow.quality.marks.detection import TextLine, text_lines
from skuflow.quality.marks.find import LEAST_SIDE_PX, marks_with
from skuflow.quality.photo.measures import measure_photo
from skuflow.studio.cutout import cut_out
from skuflow.studio.cutting.surfaces import Mask
from skuflow.studio.picture import Pixels, StudioError

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
PAGE = ROOT / "docs" / "quality.md"
BEGIN, END = "<!-- photos: begin -->", "<!-- photos: end -->"
AIM_AUC, AIM_BLOCKED = 0.97, 0.02
TEXT_DEFECTS = ("watermark_corner", "watermark_diagonal", "watermark_tiled", "text_overlay")

Scores = Mapping[str, float]
"""Of one picture, by measure; each the higher the worse."""


@dataclass(frozen=True, slots=True)
class Check:
    """``measure`` must tell ``defects`` from controls; ``limit`` is the gate's, of the severity in ``at``."""

    name: str
    measure: str
    defects: tuple[str, ...]
    limit: float
    at: str


@dataclass(frozen=True, slots=True)
class Case:
    """One picture: a control where ``defect`` is empty."""

    photo: str
    defect: str
    scores: Scores


def _limit(code: str) -> tuple[float, str]:
    """The worst limit of a code, as a score that is the higher the worse, and its severity."""
    rule: GateRule = packaged_rules()[code]
    for severity, limit in (("error", rule.error), ("warning", rule.warning), ("info", rule.info)):
        if limit is not None:
            return (-limit if rule.bad_when == "below" else limit), severity
    raise ValueError(f"{code} is switched off")


def checks() -> tuple[Check, ...]:
    """All checks of photos that a planted defect belongs to."""
    wanted: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
        ("resolution, from 300 to 600 px", "true_width", "ERR_VS_402",
         ("upscaled_300", "upscaled_400", "upscaled_600")),
        ("blur", "focus", "PHOTO_BLURRED", ("blur_1.0", "blur_1.5", "blur_2.5", "motion_blur")),
        ("blur, sigma 1.0", "focus", "PHOTO_BLURRED", ("blur_1.0",)),
        ("blur, sigma 1.5", "focus", "PHOTO_BLURRED", ("blur_1.5",)),
        ("blur, sigma 2.5", "focus", "PHOTO_BLURRED", ("blur_2.5",)),
        ("motion blur", "focus", "PHOTO_BLURRED", ("motion_blur",)),
        ("low JPEG quality", "blockiness", "PHOTO_BLOCKY", ("low_jpeg",)),
        ("watermark", "watermark", "PHOTO_WATERMARK", TEXT_DEFECTS[:3]),
        ("watermark, corner", "watermark", "PHOTO_WATERMARK", TEXT_DEFECTS[:1]),
        ("watermark, diagonal", "watermark", "PHOTO_WATERMARK", TEXT_DEFECTS[1:2]),
        ("watermark, tiled", "watermark", "PHOTO_WATERMARK", TEXT_DEFECTS[2:3]),
        ("watermark, without text detection", "watermark_cheap", "PHOTO_WATERMARK", TEXT_DEFECTS[:3]),
        ("text overlay", "overlay", "PHOTO_TEXT_OVERLAY", TEXT_DEFECTS[3:]),
    )  # fmt: skip
    return tuple(Check(name, measure, defects, *_limit(code)) for name, measure, code, defects in wanted)


def labels() -> Mapping[str, frozenset[str]]:
    """What photos really have, by kind of label."""
    read = yaml.safe_load(Path(__file__).with_name("labels.yaml").read_text(encoding="utf-8"))
    return {kind: frozenset(names) for kind, names in read.items()}


def photo_files() -> list[Path]:
    """All photos that may serve as controls, in an order by a hash of their names."""
    found = [*(ROOT / "samples" / "photos").glob("*.jpg"), *(SHARED / "photos").glob("*/*.*")]
    return sorted(found, key=lambda path: hashlib.sha256(path.name.encode()).hexdigest())


class Eyes:
    """Cut-outs and text detection, which take most of the time; kept in ``cache`` where one is named."""

    def __init__(self, cache: Path | None) -> None:
        self._cache = cache
        self.detection_s: list[float] = []

    def look(self, pixels: Pixels) -> tuple[Mask | None, tuple[TextLine, ...]]:
        """The product's mask, None where it cannot be cut out, and the lines of text."""
        key = hashlib.sha256(pixels.tobytes()).hexdigest()[:24]
        path = None if self._cache is None else self._cache / f"{key}.npz"
        if path is not None and path.is_file():
            with np.load(path) as kept:
                bits, quads, found = kept["mask"], kept["quads"], kept["scores"]
            mask = np.unpackbits(bits, count=pixels.shape[0] * pixels.shape[1]) if bits.size else None
            lines = tuple(TextLine(q, float(s)) for q, s in zip(quads, found, strict=True))
            return None if mask is None else mask.reshape(pixels.shape[:2]) > 0, lines
        product = product_mask(pixels)
        before = cpu_s()
        lines = text_lines(pixels)
        self.detection_s.append(cpu_s() - before)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(
                path,
                mask=np.zeros(0, np.uint8) if product is None else np.packbits(product),
                quads=np.array([line.quad for line in lines], np.float32).reshape(-1, 4, 2),
                scores=np.array([line.score for line in lines], np.float64),
            )
        return product, lines


def product_mask(pixels: Pixels) -> Mask | None:
    """Where the product is in the photo, as the gate knows it; None where it cannot be cut out."""
    try:
        cutout = cut_out(pixels)
    except StudioError:
        return None
    width, height = cutout.photo_size_px
    mask = np.zeros((height, width), np.uint8)
    left, top, right, bottom = cutout.box_px
    mask[top:bottom, left:right] = cutout.rgba[..., 3] > 127
    size = (pixels.shape[1], pixels.shape[0])
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST) > 0)


def measured(pixels: Pixels, eyes: Eyes, *, marks: bool) -> Scores:
    """Every measure that a check uses; those of marks only where asked for, since they take longest."""
    if not marks:
        photo = measure_photo(pixels, (pixels.shape[1], pixels.shape[0]), product_mask(pixels))
        scores = {"true_width": -float(photo.true_width_px), "blockiness": photo.blockiness}
        return scores if photo.focus is None else {**scores, "focus": -photo.focus}
    product, lines = eyes.look(pixels)
    found, cheap = marks_with(pixels, product, lines), marks_with(pixels, product, None)
    return {
        "watermark": found.watermark_score,
        "overlay": found.overlay_text_ratio,
        "watermark_cheap": cheap.watermark_score,
    }


def cases(paths: Sequence[Path], defects: Sequence[str], eyes: Eyes) -> Iterator[Case]:
    """Every photo as it is and with every defect."""
    for path in paths:
        try:
            pixels = load_photo(path).pixels
        except PhotoError:
            continue
        by_marks = {defect in TEXT_DEFECTS for defect in defects}
        control: dict[str, float] = {}
        for marks in sorted(by_marks):
            control |= measured(pixels, eyes, marks=marks)
        yield Case(path.name, "", control)
        for defect in defects:
            bad = plant(pixels, defect, path.name)
            yield Case(path.name, defect, measured(bad, eyes, marks=defect in TEXT_DEFECTS))
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def result(check: Check, seen: Sequence[Case], half: Callable[[str], bool]) -> Figures | None:
    """The check's figures on the photos that ``half`` chooses; pages of text are no controls for marks."""
    pages = labels()["pages"] if check.measure in ("watermark", "watermark_cheap", "overlay") else frozenset()
    usable = [c for c in seen if half(c.photo) and c.photo not in pages and check.measure in c.scores]
    if check.measure == "true_width":
        # A photo that is stored below the limit has no true width above it, planted or not.
        large = {c.photo for c in usable if not c.defect and -c.scores["true_width"] >= -check.limit}
        stored = {c.photo for c in usable if c.photo in large or _stored_width(c.photo) >= -check.limit}
        usable = [c for c in usable if c.photo in stored]
    clean = [c.scores[check.measure] for c in usable if not c.defect]
    bad = [c.scores[check.measure] for c in usable if c.defect in check.defects]
    return figures(clean, bad, check.limit)


@cache
def _stored_width(name: str) -> int:
    path = next(path for path in photo_files() if path.name == name)
    return int(load_photo(path).pixels.shape[1])


def table(seen: Sequence[Case]) -> list[str]:
    """Markdown: one row a check and a set of photos."""
    rows = [
        "| check | photos | clean | bad | AUC | precision | recall | clean stopped | limit |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    halves: Mapping[str, Callable[[str], bool]] = {
        "fitted": lambda name: not is_held_out(name),
        "held out": is_held_out,
        "all": lambda name: True,
    }
    for check in checks():
        for half, chosen in halves.items():
            found = result(check, seen, chosen)
            if found is not None:
                limit = f"{check.at} {abs(check.limit):g}"
                rows.append(
                    f"| {check.name} | {half} | {found.clean} | {found.bad} | {found.auc:.3f} | "
                    f"{found.precision:.3f} | {found.recall:.3f} | {100 * found.blocked_ratio:.1f} % | {limit} |"
                )
    return rows


def printed_rows(seen: Sequence[Case]) -> list[str]:
    """Which controls with printed text, and which pages of text, are taken for text laid over or a watermark."""
    known, limits = labels(), {c.measure: c.limit for c in checks()}
    counts: dict[str, list[bool]] = defaultdict(list)
    for case in seen:
        if case.defect or "overlay" not in case.scores:
            continue
        for kind in ("printed", "pages"):
            if case.photo in known[kind]:
                counts[kind].append(any(case.scores[m] > limits[m] for m in ("watermark", "overlay")))
    words = {"printed": "with text printed on the product", "pages": "pages of text and captions"}
    return [f"- Photos {words[kind]}: {sum(hit)} of {len(hit)} stopped." for kind, hit in counts.items()]


@dataclass(frozen=True, slots=True)
class Labelled:
    """One picture of the shared set with labels. ``bad``: by measure, whether it has what the measure looks for."""

    name: str
    scores: Scores
    bad: Mapping[str, bool]


def labelled_pictures(eyes: Eyes) -> list[Labelled]:
    """The pictures of ``quality/``, nothing where they do not stand beside the checkout.

    Those of ``derived/`` by its own table, where an upscaled picture counts as too small besides; the others by what
    ``labels.yaml`` says of them, for text alone.
    """
    folder = SHARED / "quality"
    wanted: list[tuple[Path, Mapping[str, bool]]] = []
    table_path = folder / "derived" / "labels.csv"
    if table_path.is_file():
        with table_path.open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows):
                small = row["too_small"] == "1" or row["defect"].startswith("upscaled")
                known = {"watermark": row["has_watermark"] == "1", "overlay": row["has_text_overlay"] == "1"}
                wanted.append(
                    (SHARED / row["file"], {**known, "focus": row["blurred"] == "1", "true_width": small})
                )
    laid_over = labels()["overlay_text"]
    others = sorted([*(folder / "cleanvision").glob("*.*"), *(folder / "rapidocr").glob("*.*")])
    wanted += [(path, {"overlay": path.name in laid_over}) for path in others]
    found = []
    for path, bad in wanted:
        try:
            pixels = load_photo(path).pixels
        except PhotoError:
            continue
        if min(pixels.shape[:2]) >= LEAST_SIDE_PX:
            scores = {**measured(pixels, eyes, marks=True), **measured(pixels, eyes, marks=False)}
            found.append(Labelled(path.name, scores, bad))
    return found


def labelled_rows(pictures: Sequence[Labelled]) -> list[str]:
    """Markdown: one row a check, on the labelled pictures alone."""
    names = {"watermark": "watermark", "overlay": "text overlay", "focus": "blur", "true_width": "resolution"}
    limits = {check.measure: check for check in checks()}
    rows = [
        "| check | clean | bad | AUC | precision | recall | clean stopped |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for measure, name in names.items():
        usable = [p for p in pictures if measure in p.bad and measure in p.scores]
        clean, bad = ([p.scores[measure] for p in usable if p.bad[measure] is has] for has in (False, True))
        found = figures(clean, bad, limits[measure].limit)
        if found is not None:
            rows.append(
                f"| {name} | {found.clean} | {found.bad} | {found.auc:.3f} | {found.precision:.3f} | "
                f"{found.recall:.3f} | {100 * found.blocked_ratio:.1f} % |"
            )
    return rows if len(rows) > 2 else []


def write_block(lines: Sequence[str], page: Path = PAGE) -> None:
    """Puts ``lines`` between the markers of the page, which is begun where there is none."""
    block = "\n".join([BEGIN, *lines, END])
    text = page.read_text(encoding="utf-8") if page.is_file() else f"{INTRODUCTION}\n{BEGIN}\n{END}\n"
    if BEGIN not in text:
        text = f"{text.rstrip()}\n\n## Photos\n\n{BEGIN}\n{END}\n"
    head, rest = text.split(BEGIN, 1)
    page.write_text(head + block + rest.split(END, 1)[1], encoding="utf-8")


def report(
    seen: Sequence[Case], pictures: Sequence[Labelled], defects: Sequence[str], photos_at_hand: int
) -> list[str]:
    """The block of the page, in Markdown."""
    count = len({case.photo for case in seen})
    part = f" of {photos_at_hand}, chosen by a hash of their names" if count < photos_at_hand else ""
    lines = [f"{count} photos{part}, each planted with: {', '.join(defects)}.", "", *table(seen)]
    lines += ["", *printed_rows(seen)]
    rows = labelled_rows(pictures)
    if rows:
        lines += [
            "",
            f"{len(pictures)} pictures that came with labels, none of them used to set a limit:",
            "",
        ]
        lines += [
            *rows,
            "",
            "A blurred picture counts as clean for resolution, though its true width is small.",
            "",
        ]
    return lines


INTRODUCTION = """# Quality of the checks

How well each check tells good pictures from bad ones, measured on pictures whose defects are known. The tables are
written by `python -m benchmarks.calibration`, which plants the defects by seed, so the same checkout gives the same
figures. Limits were chosen by one half of the photos, by a hash of the file name ("fitted"); the other half is
"held out". Some rules of marks were set after photos of both halves had been looked at, so for those checks the second
half is not strictly held out. AUC is the share of pairs of a bad and a clean picture that a check puts in the right
order; "clean stopped" is the share of clean photos that break the limit.

## Photos
"""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    cv2.setNumThreads(1)
    paths, defects = photo_files()[: options.photos], options.only or list(PLANTERS)
    eyes = Eyes(options.cache)
    before = cpu_s()
    seen = list(cases(paths, defects, eyes))
    lines = report(seen, labelled_pictures(eyes), defects, len(photo_files()))
    if eyes.detection_s:
        cost = float(np.median(eyes.detection_s))
        lines.append(
            f"- Text detection: {cost:.2f} CPU-s a photo on one core (median of {len(eyes.detection_s)})."
        )
    print("\n".join(lines))
    figure("time of the benchmark", cpu_s() - before, "CPU-s")
    if options.write:
        write_block(lines)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration.photos", description=__doc__)
    parser.add_argument("--photos", type=int, help="only so many photos, always the same ones")
    parser.add_argument("--only", nargs="*", choices=list(PLANTERS), help="only these defects")
    parser.add_argument("--cache", type=Path, help="folder in which cut-outs and detected text are kept")
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE.name}")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
