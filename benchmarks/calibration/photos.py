"""How well the intake gate's measures tell good photos from photos with a planted defect.

Controls are the project's sample photos and, where they stand beside the checkout, the real ones of the shared data;
each is planted with every defect. Limits were chosen by one half of the photos, the other half is held out.
``python -m benchmarks.calibration.photos [--photos N] [--only DEFECT...] [--cache DIR] [--jobs N] [--write]``.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from pathlib import Path

import cv2
import yaml

from benchmarks.calibration.eyes import Eyes, ScoreBook, Scores
from benchmarks.calibration.figures import Figures, figures, is_held_out
from benchmarks.calibration.planted import PLANTERS, plant
from benchmarks.measure import cpu_s, figure
from skuflow.catalog.gate.judging import GateRule, packaged_rules
from skuflow.catalog.photos import PhotoError, load_photo
from skuflow.quality.marks.detection import text_lines
from skuflow.quality.marks.find import LEAST_SIDE_PX, marks_with
from skuflow.quality.photo.measures import measure_photo
from skuflow.studio.picture import Pixels

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
PAGE = ROOT / "docs" / "quality.md"
BEGIN, END = "<!-- photos: begin -->", "<!-- photos: end -->"
AIM_AUC, AIM_BLOCKED = 0.97, 0.02
TEXT_DEFECTS = ("watermark_corner", "watermark_diagonal", "watermark_tiled", "text_overlay")


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
        ("resolution, from 600 px", "true_width", "ERR_VS_402", ("upscaled_600",)),
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


def is_unseen(name: str) -> bool:
    """Whether the photo is held out, and nobody has looked at what the checks make of it."""
    return is_held_out(name) and name not in labels()["looked_at"]


def photo_files() -> list[Path]:
    """All photos that may serve as controls, in an order by a hash of their names."""
    found = [*(ROOT / "samples" / "photos").glob("*.jpg"), *(SHARED / "photos").glob("*/*.*")]
    return sorted(found, key=lambda path: hashlib.sha256(path.name.encode()).hexdigest())


def measured(pixels: Pixels, eyes: Eyes, *, marks: bool) -> Scores:
    """Every measure that a check uses; those of marks only where asked for, since they take longest."""
    if not marks:
        photo = measure_photo(pixels, (pixels.shape[1], pixels.shape[0]), eyes.product(pixels))
        scores = {"true_width": -float(photo.true_width_px), "blockiness": photo.blockiness}
        return scores if photo.focus is None else {**scores, "focus": -photo.focus}
    product, lines = eyes.product(pixels), eyes.lines(pixels)
    found, cheap = marks_with(pixels, product, lines), marks_with(pixels, product, None)
    return {
        "watermark": found.watermark_score,
        "overlay": found.overlay_text_ratio,
        "watermark_cheap": cheap.watermark_score,
    }


def cases(
    paths: Sequence[Path], defects: Sequence[str], kept: Path | None = None, jobs: int = 1
) -> Iterator[Case]:
    """Every photo as it is and with every defect, by so many processes. ``kept``: see ``Eyes``; scores are kept there
    as well, by the sources that they depend on, so that a run which was stopped goes on where it was."""
    if jobs == 1:
        yield from (case for path in paths for case in _cases_of(path, defects, kept))
        return
    with ProcessPoolExecutor(jobs) as workers:
        for found in workers.map(_cases_of, paths, repeat(defects), repeat(kept)):
            print(".", end="", file=sys.stderr, flush=True)
            yield from found
    print(file=sys.stderr)


def _cases_of(path: Path, defects: Sequence[str], kept: Path | None) -> list[Case]:
    cv2.setNumThreads(1)
    try:
        pixels = load_photo(path).pixels
    except PhotoError:
        return []
    eyes, scored = Eyes(kept), ScoreBook(kept)
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()[:24]

    def scores(defect: str, marks: bool) -> Scores:
        known = scored.get(f"{digest}.{defect}.{marks}")
        if known is None:
            bad = plant(pixels, defect, path.name) if defect else pixels
            known = measured(bad, eyes, marks=marks)
            scored.put(f"{digest}.{defect}.{marks}", known)
        return known

    control: dict[str, float] = {}
    for marks in sorted({defect in TEXT_DEFECTS for defect in defects}):
        control |= scores("", marks)
    bad = [Case(path.name, defect, scores(defect, defect in TEXT_DEFECTS)) for defect in defects]
    return [Case(path.name, "", control), *bad]


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
        "fitted": lambda name: not is_unseen(name),
        "held out": is_unseen,
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


AIMED_AT = ("resolution, from 300 to 600 px", "blur", "watermark", "text overlay")


def aim_rows(seen: Sequence[Case]) -> list[str]:
    """One line for each check that has an aim: whether it is reached, on all photos and on those held out."""
    lines = []
    for check in checks():
        if check.name not in AIMED_AT:
            continue
        found = [result(check, seen, half) for half in (lambda name: True, is_unseen)]
        said = [
            f"AUC {f.auc:.3f}, clean stopped {100 * f.blocked_ratio:.1f} % "
            f"({'reached' if f.auc >= AIM_AUC and f.blocked_ratio <= AIM_BLOCKED else 'not reached'})"
            for f in found
            if f is not None
        ]
        if len(said) == len(found):
            lines.append(f"- {check.name}: all {said[0]}; held out {said[1]}.")
    aim = f"Aim: AUC at least {AIM_AUC:g}, at most {100 * AIM_BLOCKED:g} % of clean photos stopped."
    return [aim, "", *lines] if lines else []


def cost_row() -> str:
    """What the search for marks costs on the first of the sample photos."""
    path = min((ROOT / "samples" / "photos").glob("*.jpg"))
    pixels = load_photo(path).pixels
    text_lines(pixels[:64, :64])
    before = cpu_s()
    lines = text_lines(pixels)
    between = cpu_s()
    marks_with(pixels, None, lines)
    height, width = pixels.shape[:2]
    return (
        f"- Text detection: {between - before:.1f} CPU-s for a photo of {width} x {height} px on one core, less where "
        f"it is oblong; the rest of the search {cpu_s() - between:.2f}."
    )


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


def labelled_pictures(kept: Path | None) -> list[Labelled]:
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
    eyes, scored = Eyes(kept), ScoreBook(kept)
    found = []
    for path, bad in wanted:
        try:
            pixels = load_photo(path).pixels
        except PhotoError:
            continue
        if min(pixels.shape[:2]) < LEAST_SIDE_PX:
            continue
        key = f"{hashlib.sha256(pixels.tobytes()).hexdigest()[:24]}.labelled"
        scores = scored.get(key)
        if scores is None:
            scores = {**measured(pixels, eyes, marks=True), **measured(pixels, eyes, marks=False)}
            scored.put(key, scores)
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
    lines += ["", *aim_rows(seen), *printed_rows(seen)]
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

How well each check tells good pictures from bad ones, measured on pictures whose defects are known, written by
`python -m benchmarks.calibration`.

## Photos
"""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    cv2.setNumThreads(1)
    paths, defects = photo_files()[: options.photos], options.only or list(PLANTERS)
    before = cpu_s(with_children=True)
    seen = list(cases(paths, defects, options.cache, options.jobs))
    lines = report(seen, labelled_pictures(options.cache), defects, len(photo_files()))
    lines.append(cost_row())
    print("\n".join(lines))
    figure("time of the benchmark", cpu_s(with_children=True) - before, "CPU-s")
    if options.write:
        write_block(lines)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration.photos", description=__doc__)
    parser.add_argument("--photos", type=int, help="only so many photos, always the same ones")
    parser.add_argument("--only", nargs="*", choices=list(PLANTERS), help="only these defects")
    parser.add_argument("--cache", type=Path, help="folder in which cut-outs and detected text are kept")
    parser.add_argument("--jobs", type=int, default=1, help="so many processes at a time")
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE.name}")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
