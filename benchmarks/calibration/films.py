"""How well the measures of a video tell a faulty film from a good one.

Films of the sample products (and of real products with print, where their photos stand beside the checkout) through
rendered scenes, as they are and compressed harder, against the same with one planted defect: the product changed while
the middle shot runs, or cut badly throughout; flicker, standstill, black and blank frames planted in decoded frames.
The figures are given for each half of the products.

``python -m benchmarks.calibration.films [PRODUCTS [FILE]]``; what is measured is kept in FILE, and products that stand
there are judged again by today's limits without being filmed again.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream

from benchmarks.calibration.film_motion import MOTION_DEFECTS, decoded_luma
from benchmarks.calibration.identity import auc, is_in_second_half, usable_cutouts
from benchmarks.calibration.identity_defects import Planted, planted
from benchmarks.calibration.identity_prints import TEXTS
from benchmarks.measure import cpu_s, figure
from skuflow.listing.storyboard import Storyboard, make_storyboard
from skuflow.quality.scoring import Score, judge
from skuflow.quality.video_limits import VIDEO_RULES
from skuflow.quality.video_motion import motion_measures, thumbnail
from skuflow.quality.video_scores import score_video
from skuflow.studio.compose import compose_scene
from skuflow.studio.film.assemble import Film, timeline
from skuflow.studio.film.placement import ProductInFrame
from skuflow.studio.picture import Composite, Cutout, StudioError
from skuflow.studio.scenes import load_scenes

SIZE_PX = (720, 720)
"""Less than what is delivered, so what is small is smaller here."""
DURATION_S, FPS = 3.0, 30
SHOTS = 3
CRF, HARD_CRF = 20, 28
LIMITED_RANGE, BT709 = 1, 1
"""By their numbers in ITU-T H.273."""
BLOCKED_BELOW = 70.0
IN_THE_MIDDLE = (
    "recoloured",
    "recoloured part",
    "stretched 8 %",
    "part removed",
    "hole filled",
    "thin part removed",
    "print altered",
    "print garbled",
)
THROUGHOUT = ("white fringe 2 px", "bitten outline")
ANSWERS = ("identity_worst_ratio", "identity_holes", "identity_print")
STEPPED = ("video_thin_parts", "video_cut_fringe", "video_cut_bitten")
"""Penalties on raw values: the worst step takes all of the answer."""
SEARCHED = ", place not told"


@dataclass(frozen=True, slots=True)
class Row:
    """One film of a product; ``defect`` is empty for a good one."""

    product: str
    defect: str
    score: Score

    @property
    def as_line(self) -> str:
        """One line of the kept file."""
        return json.dumps(
            {"product": self.product, "defect": self.defect, "measures": dict(self.score.measures)}
        )


def products(count: int | None) -> dict[str, Cutout]:
    """A photo of each sample product, then real ones with known print; at most ``count`` of them."""
    folder = Path(__file__).parents[2] / "samples" / "photos"
    samples = sorted(path.stem for path in folder.glob("*.jpg") if not path.stem.endswith("_b"))
    return usable_cutouts([*samples, *(name for name in TEXTS if name not in samples)][:count])


def scenes_of(cutout: Cutout, number: int) -> dict[str, Composite]:
    """Three scenes in which the product stands free, other ones for each product."""
    all_scenes = list(load_scenes().values())
    found: dict[str, Composite] = {}
    for turn in range(len(all_scenes)):
        scene = all_scenes[(3 * number + 4 * turn) % len(all_scenes)]
        try:
            composite = compose_scene(cutout, scene, SIZE_PX)
        except StudioError:
            continue
        if composite.overlay is None:
            found[scene.id] = composite
        if len(found) == SHOTS:
            break
    return found


def rows(name: str, number: int, cutout: Cutout, folder: Path) -> Iterator[Row]:
    """All films of a product."""
    scenes = scenes_of(cutout, number)
    board = make_storyboard(tuple(scenes), duration_s=DURATION_S)
    film, path = Film(board, scenes, SIZE_PX), folder / "film.mp4"
    genuine = list(film.frames())
    places = tuple(film.product_boxes)
    write(genuine, path, CRF)
    yield Row(name, "", score(path, cutout, places))
    yield Row(name, SEARCHED, score(path, cutout, ()))
    luma = decoded_luma(path)
    for defect, plant in MOTION_DEFECTS.items():
        measures = motion_measures([thumbnail(frame) for frame in plant(luma, FPS)], FPS)
        yield Row(name, defect, judge(measures, VIDEO_RULES))
    write(genuine, path, HARD_CRF)
    yield Row(name, "", score(path, cutout, places))
    for defect, frames in _with_defects(name, number, board, scenes, genuine):
        write(frames, path, CRF)
        yield Row(name, defect, score(path, cutout, places))


def kept_rows(file: Path) -> Iterator[Row]:
    """The rows of a kept file, judged by today's limits."""
    if file.is_file():
        for line in file.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            yield Row(entry["product"], entry["defect"], judge(entry["measures"], VIDEO_RULES))


def _with_defects(
    name: str, number: int, board: Storyboard, scenes: Mapping[str, Composite], genuine: list[av.VideoFrame]
) -> Iterator[tuple[str, list[av.VideoFrame]]]:
    takes = timeline(board)
    middle = range(takes[1].first, takes[1].last + 1)
    for defect in (*IN_THE_MIDDLE, *THROUGHOUT):
        altered = {
            style: replace(scene, product=found.layer)
            for style, scene in scenes.items()
            if (found := _plant(defect, scene, name, 100 * number)) is not None
        }
        if len(altered) < len(scenes):
            continue
        frames = list(Film(board, altered, SIZE_PX).frames())
        if defect in IN_THE_MIDDLE:
            frames = [frames[i] if i in middle else kept for i, kept in enumerate(genuine)]
        yield defect, frames


def _plant(defect: str, scene: Composite, name: str, seed: int) -> Planted | None:
    return next(
        (one for one in planted(scene, TEXTS.get(name, ()), None, seed) if one.defect == defect), None
    )


def write(frames: Sequence[av.VideoFrame], path: Path, crf: int) -> None:
    """An MP4 as the studio writes it, by a quick preset; tagged as its frames are, or colours would be read wrong."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS))
        assert isinstance(stream, VideoStream)
        context = stream.codec_context
        context.color_range = LIMITED_RANGE
        context.color_primaries = context.color_trc = context.colorspace = BT709
        stream.width, stream.height, stream.pix_fmt = *SIZE_PX, "yuv420p"
        stream.options = {"preset": "superfast", "crf": str(crf), "g": "60"}
        for number, frame in enumerate(frames):
            frame.pts = number
            frame.time_base = Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def score(path: Path, source: Cutout, places: Sequence[ProductInFrame]) -> Score:
    """The film's score, the product's place being known where ``places`` say it."""
    return score_video(
        path, expected_s=DURATION_S, size_px=SIZE_PX, first_frame=None, source=source, product_boxes=places
    )


def least_answer(score: Score) -> float:
    """0..1, the least that any measure of identity, thin parts or the cut leaves of the product."""
    answers = [score.measures[name] for name in ANSWERS if name in score.measures]
    cut = 1 - sum(score.lost_by(name) for name in STEPPED) / 35
    return min([*answers, max(0.0, cut)]) if answers else 0.0


def report(found: Sequence[Row], half: str) -> None:
    """The figures of one half."""
    good = [row for row in found if not row.defect]
    if not good:
        return
    searched = [row for row in found if row.defect == SEARCHED]
    print(f"{half}: {len({row.product for row in found})} products, {len(good)} good films")
    figure("good films below 70 points", 100 * _share(good), "%", "<= 2 %")
    figure("good films with any penalty", 100 * float(np.mean([bool(r.score.penalties) for r in good])), "%")
    figure(f"good films{SEARCHED}, below 70 points", 100 * _share(searched), "%")
    answers = [least_answer(row.score) for row in good]
    for defect in (*IN_THE_MIDDLE, *THROUGHOUT):
        those = [row for row in found if row.defect == defect]
        if those:
            value = auc(answers, [least_answer(row.score) for row in those])
            figure(f"{defect} ({len(those)}): AUC {value:.3f}, below 70 points", 100 * _share(those), "%")
    for defect in MOTION_DEFECTS:
        those = [row for row in found if row.defect == defect]
        measure = measure_of(defect)
        value = auc(
            [-row.score.measures[measure] for row in good], [-row.score.measures[measure] for row in those]
        )
        named = float(np.mean([measure in _penalised(row.score) for row in those]))
        figure(f"{defect} ({len(those)}): AUC {value:.3f}, penalised", 100 * named, "%")


def measure_of(defect: str) -> str:
    """The measure that answers to a planted defect of motion."""
    starts = {
        "flicker of the product": "flicker_part_luma",
        "flicker": "flicker_luma",
        "frozen": "frozen_s",
        "black": "black_s",
        "blank": "blank_s",
    }
    return next(measure for start, measure in starts.items() if defect.startswith(start))


def _penalised(score: Score) -> set[str]:
    lost = {penalty.name for penalty in score.penalties}
    return {rule.measure for rule in VIDEO_RULES if rule.name in lost}


def _share(found: Sequence[Row]) -> float:
    return float(np.mean([row.score.overall < BLOCKED_BELOW for row in found]))


def main(arguments: Sequence[str]) -> int:
    cv2.setNumThreads(1)
    cutouts = products(int(arguments[0]) if arguments else None)
    file = Path(arguments[1]) if len(arguments) > 1 else None
    found = [row for row in kept_rows(file) if row.product in cutouts] if file is not None else []
    filmed = {row.product for row in found}
    spent = cpu_s()
    with tempfile.TemporaryDirectory(prefix="skuflow-films-") as folder:
        for number, (name, cutout) in enumerate(cutouts.items()):
            if name in filmed:
                continue
            made = list(rows(name, number, cutout, Path(folder)))
            found.extend(made)
            if file is not None:
                with file.open("a", encoding="utf-8") as kept:
                    kept.writelines(f"{row.as_line}\n" for row in made)
    names = sorted(cutouts)
    for half, second in (("first half", False), ("second half", True)):
        report([row for row in found if is_in_second_half(row.product, names) is second], half)
    figure("all of it", cpu_s() - spent, "CPU-s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
