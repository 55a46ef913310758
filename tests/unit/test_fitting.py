"""Pictures in as few bytes as places allow: when they are made, and later when places allow fewer."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from providers.offline.work import do_work
from skuflow.jobs.contract import ImageRequest, Slot
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.ledger.rows import StoredResult
from skuflow.listing import fitting, refitting
from skuflow.listing.developing import AI_LABEL
from skuflow.listing.fitting import (
    OUT_OF_REACH,
    allowed_bytes,
    heavy_files,
    is_to_be_fitted,
    made_to_fit,
    out_of_reach,
)
from skuflow.listing.kit import Kit
from skuflow.listing.refitting import refitted
from skuflow.storage.folder import FolderStore
from skuflow.studio.cutout_png import to_png
from skuflow.studio.encoding import as_jpeg
from skuflow.studio.picture import Cutout
from tests.money import image_wish, open_ledger, order, product
from tests.unit.library import image, kit, rendition

Limits = Mapping[tuple[str, tuple[int, int], str | None], int]


def allow(monkeypatch: pytest.MonkeyPatch, limits: Limits) -> None:
    """So many bytes by role, size and product group; no limit elsewhere."""
    monkeypatch.setattr(
        fitting, "_allowed_on", lambda day, role, size, category: limits.get((role, size, category))
    )


def noise(size: tuple[int, int] = (96, 64), quality: int = 94) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


NOISE = noise()
LEAST = len(noise(quality=75))
"""About as few bytes as it can be brought to in its size."""


# --- what a place allows ---


def test_a_place_for_apparel_alone_counts_for_apparel() -> None:
    """temu.apparel takes main images of 1340x1785 with 2 MiB, of which 95 % are used."""
    assert allowed_bytes("main", (1340, 1785), "apparel") == int(2 * 2**20 * 0.95)
    others = allowed_bytes("main", (1340, 1785))
    assert others is None or others > 2 * 2**20


@pytest.mark.parametrize(("spare", "same"), [(1, True), (0, True), (-1, False)])
def test_a_file_is_encoded_anew_only_where_it_is_too_heavy(
    monkeypatch: pytest.MonkeyPatch, spare: int, same: bool
) -> None:
    allow(monkeypatch, {("main", (96, 64), None): len(NOISE) + spare})
    fitted = made_to_fit(NOISE, "main", (96, 64))
    assert (fitted == NOISE) == same
    assert len(fitted) <= len(NOISE) + spare


@pytest.mark.parametrize("most", [1, LEAST // 2])
def test_a_file_that_only_fewer_pixels_would_bring_down_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    allow(monkeypatch, {("main", (96, 64), None): most})
    assert made_to_fit(NOISE, "main", (96, 64)) == NOISE


# --- when they are made ---


def test_a_picture_of_fine_grain_is_encoded_however_many_bytes_it_takes() -> None:
    """More than one byte for each pixel."""
    grain = np.random.default_rng(3).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    data = as_jpeg(Image.fromarray(grain), 94, 0)
    assert len(data) > 300 * 300
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()


@pytest.mark.parametrize(("kind", "limited"), [("t_shirt", True), ("mug", False)])
def test_an_apparel_main_image_of_noise_keeps_to_the_place_for_apparel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, limited: bool
) -> None:
    rgba = np.random.default_rng(5).integers(0, 256, (400, 300, 4), dtype=np.uint8)
    rgba[..., 3] = 255
    store = FolderStore(tmp_path)
    cutout = store.put(
        "cutout.png", to_png(Cutout(rgba, (0, 0, 300, 400), (300, 400), frozenset(), 0.9)), "image/png"
    )
    request = ImageRequest(
        slot=Slot("A", "image:main"),
        product=product("A", kind=kind),
        photo=cutout,
        cutout=cutout,
        style="",
        sizes_px=((300, 400),),
    )
    allow(monkeypatch, {})
    heavy = len(do_work(request, store)[0].data)
    most = heavy - 1
    allow(monkeypatch, {("main", (300, 400), "apparel"): most})
    assert (len(do_work(request, store)[0].data) <= most) == limited


# --- when places allow fewer bytes later ---


class Bench:
    """A made picture of 96x64 in storage, with a label that people see beside it, and how often it was encoded."""

    def __init__(self, folder: Path, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = FolderStore(folder / "store")
        ledger = open_ledger(folder)
        self.job = ledger.reserve(order(slot=Slot("MUG-1", role)), owner="me", submitting=True)
        ledger.close()
        shown = self.store.put("kits/MUG-1/shown.jpg", NOISE, "image/jpeg")
        mask = self.store.put("kits/MUG-1/mask.png", NOISE * 2, "image/png")
        results = (
            StoredResult("96x64", shown),
            StoredResult(f"96x64{AI_LABEL}", shown),
            StoredResult("in-front-96x64", mask),
        )
        self.made = Outcome(OutcomeState.MADE, job=self.job, results=results)
        self.encoded = 0
        encode = made_to_fit

        def counted(jpeg: bytes, role: str, size_px: tuple[int, int], category: str | None = None) -> bytes:
            self.encoded += 1
            return encode(jpeg, role, size_px, category)

        monkeypatch.setattr(refitting, "made_to_fit", counted)

    def bytes_of(self, outcome: Outcome, label: str = "96x64") -> int:
        stored = outcome.required(label)
        assert len(self.store.get(stored.key)) == stored.size_bytes
        return stored.size_bytes


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, "image:scene", monkeypatch)


SCENE = ("scene", (96, 64), None)


def test_light_pictures_are_left_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, {SCENE: len(NOISE)})
    assert refitted(bench.store, bench.made, None) is bench.made
    assert bench.encoded == 0


def test_heavy_ones_are_encoded_once_and_the_job_keeps_its_own(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, {SCENE: len(NOISE) - 1})
    lighter = refitted(bench.store, bench.made, None)
    assert bench.bytes_of(lighter) < len(NOISE)
    assert bench.bytes_of(lighter, f"96x64{AI_LABEL}") < len(NOISE)
    assert lighter.required("in-front-96x64") == bench.made.required("in-front-96x64")
    assert [result.label for result in lighter.results] == [result.label for result in bench.made.results]
    assert bench.store.get("kits/MUG-1/shown.jpg") == NOISE
    assert bench.encoded == 2
    assert refitted(bench.store, bench.made, None) == lighter
    assert refitted(bench.store, bench.made, None, encode=False) == lighter
    assert bench.encoded == 2


def test_a_stage_that_is_left_out_encodes_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, {SCENE: len(NOISE) - 1})
    assert refitted(bench.store, bench.made, None, encode=False) == bench.made
    assert bench.encoded == 0


def test_a_lower_limit_still_starts_from_the_job_s_own_file(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, {SCENE: len(NOISE) - 1})
    first = refitted(bench.store, bench.made, None)
    allow(monkeypatch, {SCENE: bench.bytes_of(first) - 1})
    second = refitted(bench.store, bench.made, None)
    assert bench.bytes_of(second) < bench.bytes_of(first)
    allow(monkeypatch, {SCENE: bench.bytes_of(second) - 1})
    monkeypatch.setattr(refitting, "made_to_fit", made_to_fit)
    assert made_to_fit(NOISE, *SCENE) == bench.store.get(
        refitted(bench.store, bench.made, None).required("96x64").key
    )


def test_what_cannot_be_brought_down_is_tried_once_for_a_limit_and_keeps_the_lightest(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, {SCENE: 10})
    assert refitted(bench.store, bench.made, None) == bench.made
    assert bench.encoded == 2
    allow(monkeypatch, {SCENE: 9})
    assert refitted(bench.store, bench.made, None) == bench.made
    assert bench.encoded == 2
    allow(monkeypatch, {SCENE: len(NOISE) - 1})
    light = refitted(bench.store, bench.made, None)
    assert (bench.bytes_of(light) < len(NOISE), bench.encoded) == (True, 4)
    allow(monkeypatch, {SCENE: 10})
    assert refitted(bench.store, bench.made, None) == light


def test_a_lost_file_and_a_damaged_index_are_made_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, {SCENE: len(NOISE) - 1})
    lighter = refitted(bench.store, bench.made, None)
    bench.store.delete(lighter.required("96x64").key)
    assert refitted(bench.store, bench.made, None) == lighter
    assert bench.bytes_of(lighter) < len(NOISE)
    bench.store.put(f"developed/MUG-1/{bench.job.id}-fitted.json", b"{", "application/json")
    assert refitted(bench.store, bench.made, None) == lighter


@pytest.mark.parametrize(
    ("role", "place"),
    [
        ("image:model", "usage"),
        ("image:line_art", "detail"),
        ("image:concept", "scene"),
        ("image:main", "main"),
    ],
)
def test_each_picture_keeps_to_the_places_for_its_role(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str, place: str
) -> None:
    bench = Bench(tmp_path, role, monkeypatch)
    allow(monkeypatch, {(place, (96, 64), None): len(NOISE) - 1})
    assert bench.bytes_of(refitted(bench.store, bench.made, None)) < len(NOISE)


@pytest.mark.parametrize("role", ["copy", "video"])
def test_other_results_have_no_pixels_to_encode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    bench = Bench(tmp_path, role, monkeypatch)
    allow(monkeypatch, {("main", (96, 64), None): 1, SCENE: 1})
    assert refitted(bench.store, bench.made, None) is bench.made
    failed = replace(bench.made, state=OutcomeState.FAILED, job=None, results=())
    assert refitted(bench.store, failed, None) is failed


# --- what a kit says of it ---


@pytest.mark.parametrize(("spare", "heavy"), [(1, 0), (0, 0), (-1, 1)])
def test_a_kit_with_a_heavy_picture_is_to_be_fitted(
    monkeypatch: pytest.MonkeyPatch, spare: int, heavy: int
) -> None:
    of = kit(images=(image("main", renditions=(rendition((800, 800), bytes=5000),)),))
    group = fitting.product_group(of.product)
    allow(monkeypatch, {("main", (800, 800), group): 5000 + spare})
    assert len(heavy_files(of.images, group)) == heavy
    assert is_to_be_fitted(of) == bool(heavy)


def noted(of: Kit) -> Kit:
    missed = out_of_reach(of.images, fitting.product_group(of.product))
    assert missed is not None
    return of.model_copy(update={"made_for": {**of.made_for, OUT_OF_REACH: missed}})


def test_a_kit_that_was_fitted_in_vain_is_left_alone_until_a_limit_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of = kit(images=(image("main", renditions=(rendition((800, 800), bytes=5000),)),))
    group = fitting.product_group(of.product)
    allow(monkeypatch, {("main", (800, 800), group): 4000})
    assert is_to_be_fitted(of)
    assert not is_to_be_fitted(noted(of))
    allow(monkeypatch, {("main", (800, 800), group): 3999})
    of = noted(of)
    allow(monkeypatch, {("main", (800, 800), group): 4000})
    assert is_to_be_fitted(of)
    allow(monkeypatch, {})
    assert not is_to_be_fitted(of)


# --- what is bought ---


def test_limits_of_bytes_are_no_part_of_what_is_bought(monkeypatch: pytest.MonkeyPatch) -> None:
    """A paid picture is never bought anew for fewer bytes: what a request is known by stays what it was."""
    wish = image_wish(width_cm=9.5, height_cm=None, options={"extend": "16:9"})
    known = {
        "capability": "image",
        "slot": "MUG-1|image:scene|1|||",
        "facts": "",
        "options": {"extend": "16:9"},
        "photo": wish.photo.sha256,
        "style": "kitchen",
        "sizes_px": [[800, 800]],
        "size_cm": [9.5, None],
    }
    none: Limits = {}
    low: Limits = {("scene", (800, 800), None): 10}
    for limits in (none, low):
        allow(monkeypatch, limits)
        assert json.dumps(wish.identity(), sort_keys=True) == json.dumps(known, sort_keys=True)
        assert wish.fingerprint() == "73bf738de7155d93867fcfdb13a1301e806b1eb0fdc7665b0375f82343c24637"
