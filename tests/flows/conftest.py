"""A Prefect server for the session, and a catalog of the project's own sample photos."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from flows.wishes import Wishes
from skuflow.ledger.ledger import utc_now
from skuflow.settings import read_settings
from skuflow.studio import cutout
from skuflow.studio.film import encoder
from skuflow.studio.picture import Cutout, Pixels
from tasks.wiring import Wiring, using, wire
from tests.contract.vendors import quickly
from tests.flows.prefect_tables import PrefectTables, made_once

ROOT = Path(__file__).parents[2]
PHOTOS = ROOT / "samples" / "photos"

MUG = {
    "sku": "mug-1",
    "title_zh": "复古窑变釉陶瓷马克杯 380ml",
    "title_en": "Reactive-Glaze Ceramic Mug 380 ml",
    "category": "家居厨房/杯具",
    "attributes": json.dumps({"材质": "高温炻瓷", "容量": "380 ml", "重量": "365 g", "尺寸": "高 9.5 cm"}),
    "selling_points": json.dumps(["大手柄四指可握，端得稳", "可进微波炉与洗碗机"]),
    "target_markets": "US;ES",
    "images": "01_mug.jpg",
}
CLOCK = {
    **MUG,
    "sku": "clock-2",
    "title_zh": "静音圆形桌面闹钟",
    "title_en": "Silent Round Table Alarm Clock",
    "category": "家居/钟表",
    "attributes": json.dumps({"重量": "310 g", "尺寸": "直径 12.6 cm，高 15.5 cm"}),
    "images": "10_table_clock.jpg",
}


MakeCatalog = Callable[..., Path]
MakeWiring = Callable[..., Wiring]
Scenes = Callable[[int], None]


@pytest.fixture(scope="session")
def prefect_tables(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> PrefectTables:
    """A database for servers that are to start quickly, the same for all workers of pytest."""
    own = tmp_path_factory.getbasetemp()
    return made_once(own if worker_id == "master" else own.parent)


@pytest.fixture(scope="session")
def prefect_server(prefect_tables: PrefectTables, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    from prefect.logging import disable_run_logger
    from prefect.testing import utilities

    # Where the harness looks for its database; a new folder for each harness.
    folder = tmp_path_factory.mktemp("prefect")
    prefect_tables.copied_to(folder / "prefect-test.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utilities, "mkdtemp", lambda: str(folder))
        with utilities.prefect_test_harness(server_startup_timeout=180), disable_run_logger():
            yield


@pytest.fixture(autouse=True, scope="module")
def _quick_films() -> Iterator[None]:
    """Encoding well is what takes the time of a film; how well is proven in tests/unit/test_film.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(encoder.X264_OPTIONS, "preset", "ultrafast")
        yield


_cut: dict[str, Cutout] = {}
_cut_out = cutout.cut_out


def _cut_out_once(photo: Pixels) -> Cutout:
    key = hashlib.sha256(repr((photo.shape, photo.dtype.str)).encode() + photo.tobytes()).hexdigest()
    if key not in _cut:
        _cut[key] = _cut_out(photo)
    kept = _cut[key]
    return replace(kept, rgba=kept.rgba.copy(), measures=dict(kept.measures))


@pytest.fixture(autouse=True, scope="module")
def _each_photo_is_cut_once() -> Iterator[None]:
    """Most tests show the same two photos; cutting itself is proven in tests/unit/test_cutout.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutout, "cut_out", _cut_out_once)
        yield


@pytest.fixture
def scenes(monkeypatch: pytest.MonkeyPatch) -> Scenes:
    """So many scenes in each kit instead of three, where one proves the same: they are what takes the time."""
    usual = Wishes.brief

    def few(count: int) -> None:
        monkeypatch.setattr(Wishes, "brief", lambda wishes: replace(usual(wishes), scenes=count))

    return few


@pytest.fixture
def make_catalog(tmp_path: Path) -> Callable[..., Path]:
    """A CSV of the given rows, with their photos beside it."""

    def make(*rows: Mapping[str, str]) -> Path:
        folder = tmp_path / "catalog"
        folder.mkdir(exist_ok=True)
        for row in rows:
            photo = PHOTOS / row["images"]
            if photo.exists():
                shutil.copy(photo, folder)
        path = folder / "products.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(MUG))
            writer.writeheader()
            writer.writerows(rows)
        return path

    return make


@pytest.fixture
def make_wiring(tmp_path: Path) -> Iterator[Callable[..., Wiring]]:
    """The current wiring, with a home of its own; settings and clock as given. The one before it is closed."""
    with ExitStack() as stack:

        def make(clock: Callable[[], datetime] = utc_now, **values: object) -> Wiring:
            stack.close()
            # Looking for text costs two seconds a photo; one test of test_gate_run has it on.
            quick = {"skuflow_home": tmp_path / "home", "skuflow_text_detection": "off"}
            settings = read_settings({**quick, "skuflow_providers": "", **values})
            return stack.enter_context(using(wire(settings, clock=clock, sleep=quickly)))

        yield make
