"""A Prefect server for the session, and a catalog of the project's own sample photos."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from skuflow.ledger.ledger import utc_now
from skuflow.settings import read_settings
from tasks.wiring import Wiring, using, wire

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


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    from prefect.logging import disable_run_logger
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=180), disable_run_logger():
        yield


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
            # Looking for text costs two seconds a photo; test_gate_run has it on.
            quick = {"skuflow_home": tmp_path / "home", "skuflow_text_detection": "off"}
            settings = read_settings({**quick, "skuflow_providers": "", **values})
            return stack.enter_context(using(wire(settings, clock=clock)))

        yield make
