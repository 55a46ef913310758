"""The calibration bench: planted defects are the same every time, and its figures are what they are called."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.calibration import eyes, films
from benchmarks.calibration.__main__ import run_together
from benchmarks.calibration.figures import figures, is_held_out
from benchmarks.calibration.photos import (
    BEGIN,
    END,
    Case,
    Labelled,
    aim_rows,
    checks,
    labelled_rows,
    labels,
    report,
    result,
    write_block,
)
from benchmarks.calibration.planted import PLANTERS, plant
from skuflow.quality.marks.detection import DETECTION, TextLine
from tests.unit.marked_photo import photo


@pytest.mark.parametrize("defect", PLANTERS)
def test_a_defect_is_planted_the_same_every_time_and_shows(defect: str) -> None:
    pixels, _ = photo()
    bad = plant(pixels, defect, "a.jpg")
    assert bad.shape == pixels.shape
    assert np.array_equal(bad, plant(pixels, defect, "a.jpg"))
    assert not np.array_equal(bad, pixels)


@pytest.mark.parametrize("defect", ["watermark_corner", "watermark_tiled", "text_overlay"])
def test_marks_differ_from_photo_to_photo(defect: str) -> None:
    pixels, _ = photo()
    assert not np.array_equal(plant(pixels, defect, "a.jpg"), plant(pixels, defect, "b.jpg"))


def test_figures_of_a_perfect_a_blind_and_a_wrong_check() -> None:
    perfect = figures([0.1, 0.2], [0.8, 0.9], 0.5)
    assert perfect is not None
    assert (perfect.auc, perfect.precision, perfect.recall, perfect.blocked_ratio) == (1.0, 1.0, 1.0, 0.0)
    blind = figures([0.0, 0.0], [0.0, 0.0], 0.5)
    assert blind is not None
    assert (blind.auc, blind.recall) == (0.5, 0.0)
    wrong = figures([0.9, 0.1], [0.2, 0.6], 0.5)
    assert wrong is not None
    assert (wrong.auc, wrong.precision, wrong.recall, wrong.blocked_ratio) == (0.5, 0.5, 0.5, 0.5)
    assert figures([], [1.0], 0.5) is None


def test_a_score_at_the_limit_does_not_break_it() -> None:
    at = figures([0.5], [0.5], 0.5)
    assert at is not None
    assert (at.recall, at.blocked_ratio) == (0.0, 0.0)


def test_halves_are_fixed_and_both_are_used() -> None:
    halves = [is_held_out(f"photo_{n}.jpg") for n in range(200)]
    assert 60 < sum(halves) < 140
    assert halves == [is_held_out(f"photo_{n}.jpg") for n in range(200)]


def test_pages_of_text_are_no_controls_for_marks() -> None:
    page = sorted(labels()["pages"])[0]
    check = next(check for check in checks() if check.name == "text overlay")
    seen = [
        Case("a.jpg", "", {"overlay": 0.0}),
        Case("a.jpg", "text_overlay", {"overlay": 0.1}),
        Case(page, "", {"overlay": 0.9}),
    ]
    found = result(check, seen, lambda name: True)
    assert found is not None
    assert (found.clean, found.bad, found.auc) == (1, 1, 1.0)


def test_the_table_replaces_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "quality.md"
    write_block(["first"], page)
    page.write_text(page.read_text(encoding="utf-8") + "\n## Other\n", encoding="utf-8")
    write_block(["second"], page)
    text = page.read_text(encoding="utf-8")
    assert f"{BEGIN}\nsecond\n{END}" in text
    assert "first" not in text
    assert text.endswith("## Other\n")
    assert text.startswith("# Quality of the checks")


def test_labelled_pictures_are_judged_by_the_limits_of_the_gate() -> None:
    limit = next(check.limit for check in checks() if check.measure == "watermark")
    pictures = [
        Labelled("a", {"watermark": limit}, {"watermark": False, "overlay": False}),
        Labelled("b", {"watermark": limit + 0.1}, {"watermark": True}),
        Labelled("c", {"watermark": 0.0}, {"watermark": True}),
    ]
    (row,) = labelled_rows(pictures)[2:]
    assert row == "| watermark | 1 | 2 | 0.500 | 1.000 | 0.500 | 0.0 % |"
    assert labelled_rows([]) == []


def test_the_page_says_how_many_of_the_photos_were_taken() -> None:
    seen = [Case("a.jpg", "", {"overlay": 0.0}), Case("a.jpg", "text_overlay", {"overlay": 0.1})]
    assert report(seen, [], ["text_overlay"], 9)[0].startswith("1 photos of 9, chosen by a hash")
    assert report(seen, [], ["text_overlay"], 1)[0].startswith("1 photos, each planted with: text_overlay.")


def test_what_was_seen_once_is_read_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, mask = photo()
    line = TextLine(np.array([[0, 0], [9, 0], [9, 5], [0, 5]], np.float32), 0.5)
    monkeypatch.setattr(eyes, "product_mask", lambda pixels: mask)
    monkeypatch.setattr(eyes, "text_lines", lambda pixels: (line,))
    first = eyes.Eyes(tmp_path)
    first.product(pixels)
    first.lines(pixels)
    monkeypatch.setattr(eyes, "product_mask", lambda pixels: pytest.fail("cut out again"))
    monkeypatch.setattr(eyes, "text_lines", lambda pixels: pytest.fail("sought again"))
    again = eyes.Eyes(tmp_path)
    found = again.product(pixels)
    assert found is not None
    assert np.array_equal(found, mask)
    (kept,) = again.lines(pixels)
    assert (kept.quad.tolist(), kept.score) == (line.quad.tolist(), line.score)
    monkeypatch.setattr(eyes, "DETECTION", DETECTION + 1)
    monkeypatch.setattr(eyes, "text_lines", lambda pixels: ())
    assert again.lines(pixels) == ()


def test_a_photo_that_cannot_be_cut_out_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels, _ = photo()
    monkeypatch.setattr(eyes, "product_mask", lambda pixels: None)
    assert eyes.Eyes(tmp_path).product(pixels) is None
    monkeypatch.setattr(eyes, "product_mask", lambda pixels: pytest.fail("cut out again"))
    assert eyes.Eyes(tmp_path).product(pixels) is None


@pytest.mark.parametrize("clean, said", [(0.0, "reached"), (0.9, "not reached")])
def test_the_page_says_which_aims_are_reached(clean: float, said: str) -> None:
    held_out = next(f"{n}.jpg" for n in range(99) if is_held_out(f"{n}.jpg"))
    seen = [
        Case(name, defect, {"watermark": 0.8 if defect else clean})
        for name in ("a.jpg", held_out)
        for defect in ("", "watermark_corner")
    ]
    (row,) = aim_rows(seen)[2:]
    assert row.startswith("- watermark: all AUC")
    assert row.count(f"({said})") == 2


def test_parts_run_beside_each_other_and_say_what_they_took(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    waits = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)\nprint('met')"
    makes = "import pathlib, sys\npathlib.Path(sys.argv[1]).touch()\nprint('made')\nsys.exit(3)"
    place = str(tmp_path / "here")
    statuses = run_together(
        {"first": [sys.executable, "-c", waits, place], "second": [sys.executable, "-c", makes, place]}
    )
    assert statuses == [0, 3]
    lines = capfd.readouterr().out.splitlines()
    assert [line for line in lines if "time" not in line] == ["### first", "met", "### second", "made"]
    assert [line.partition(" time")[0] for line in lines if "time" in line] == ["first:", "second:"]


def test_a_film_is_read_in_the_colours_that_it_was_made_of(tmp_path: Path) -> None:
    teal = np.full((*films.SIZE_PX[::-1], 3), (40, 120, 110), np.uint8)
    made = av.VideoFrame.from_ndarray(teal, format="rgb24").reformat(
        format="yuv420p", dst_colorspace=films.BT709
    )
    films.write([made, made], tmp_path / "film.mp4", films.CRF)
    with av.open(str(tmp_path / "film.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (films.BT709, films.LIMITED_RANGE)
        assert frame.to_ndarray(format="rgb24")[9, 9] == pytest.approx((40, 120, 110), abs=3)
