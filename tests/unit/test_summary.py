from __future__ import annotations

import base64
import csv
import io
from pathlib import Path

import pytest
from PIL import Image

from skuflow.review.cards import KitEntry
from skuflow.review.figures import duration_text, money
from skuflow.review.summary import COLUMNS, write_summary
from skuflow.review.thumbnails import data_uri_thumbnail, shrink
from skuflow.storage.folder import FolderStore
from tests.review_kits import (
    HOSTILE_SKU,
    deferred_bottle,
    paint_plainly,
    sample_entries,
)


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[KitEntry]:
    return sample_entries(FolderStore(tmp_path_factory.mktemp("storage")))


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "storage")


def rows_of(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["sku"]: row for row in csv.DictReader(file)}


def grey_at(picture: Image.Image, x: int, y: int) -> float:
    value = picture.convert("L").getpixel((x, y))
    assert isinstance(value, int | float)
    return value


def test_one_row_per_sku_with_the_fixed_columns(entries: list[KitEntry], tmp_path: Path) -> None:
    path = write_summary(iter(entries), tmp_path / "new folder")
    assert path.name == "summary.csv"
    rows = rows_of(path)
    assert list(rows) == [entry.kit.sku for entry in entries]
    row = rows["DM-MUG-001"]
    assert tuple(row) == COLUMNS
    assert row["title"] == "复古窑变釉陶瓷马克杯 380ml"
    assert (row["status"], row["score_overall"], row["score_copy"]) == ("needs_review", "92.4", "97.0")
    assert (row["images"], row["videos"], row["languages"]) == ("4", "1", "en es fr pt ru de ja")
    assert (row["cost_estimated"], row["cost_settled"], row["currency"]) == ("0", "0", "CNY")
    assert row["seconds"] == "28.4"
    assert row["kit"].endswith("/kit.json")
    assert rows["DM-LMP-002"]["cost_settled"] == "3.4500"


def test_reasons_and_codes_say_why_a_sku_is_not_ready(entries: list[KitEntry], tmp_path: Path) -> None:
    rows = rows_of(write_summary(entries, tmp_path))
    assert rows["DM-CHG-007"]["findings"] == "ERR_VS_402 INTAKE_FEW_ATTRIBUTES"
    assert rows["DM-CHG-007"]["reasons"].startswith("photos/07_usbc_charger.jpg: The photo is too small.")
    assert rows["DM-BTL-004"]["reasons"].startswith("image:scene:2, image:scene:3: The daily cap of 50")
    assert rows["DM-MUG-001"]["reasons"] == ""
    assert rows["DM-CHG-007"]["score_overall"] == ""
    assert rows[HOSTILE_SKU]["seconds"] == ""


def test_status_and_reasons_stand_in_chinese_as_well(store: FolderStore, tmp_path: Path) -> None:
    kit = deferred_bottle(store, paint_plainly)
    capped = "CAP_REACHED: the cap of 50 images a day at wanx is used up"
    parts = [
        part.model_copy(update={"reason": capped}) if part.part.startswith("image:scene") else part
        for part in kit.parts
    ]
    waiting = KitEntry(kit.model_copy(update={"parts": tuple(parts)}))
    path = write_summary([waiting, *sample_entries(store)[:4]], tmp_path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        deferred, ready, _, _, blocked = csv.DictReader(file)
    assert COLUMNS[-2:] == ("status_zh", "reasons_zh"), "the others stay where readers by position know them"
    assert (deferred["status_zh"], ready["status_zh"]) == ("等待中", "待审核")
    assert deferred["reasons_zh"].startswith("场景图 2、场景图 3：今日生成额度已用完")
    assert blocked["reasons_zh"].startswith("photos/07_usbc_charger.jpg：")
    assert ready["reasons_zh"] == ""


def test_excel_is_told_the_encoding_and_gets_its_line_ends(entries: list[KitEntry], tmp_path: Path) -> None:
    data = write_summary(entries, tmp_path).read_bytes()
    assert data.startswith(b"\xef\xbb\xbfsku,title,")
    assert data.count(b"\r\n") == len(entries) + 1


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(store: FolderStore, tmp_path: Path, start: str) -> None:
    kit = deferred_bottle(store, paint_plainly)
    attack = f'{start}HYPERLINK("x","y")'
    bad = kit.model_copy(
        update={"sku": attack, "product": kit.product.model_copy(update={"titles": {"zh": attack}})}
    )
    (row,) = rows_of(write_summary([KitEntry(bad)], tmp_path)).values()
    assert row["sku"] == row["title"] == f"'{attack}"


def test_no_kits_make_a_file_with_headings_only(tmp_path: Path) -> None:
    assert rows_of(write_summary([], tmp_path)) == {}


def test_money_and_times_read_as_people_write_them() -> None:
    assert [money(x) for x in ("0", "0.0035", "3.4500", "1234.5")] == [
        "¥0.00",
        "¥0.0035",
        "¥3.45",
        "¥1,234.50",
    ]
    times = [duration_text(x) for x in (0.84, 9.96, 28.4, 59.6, 204.2, 3725)]
    assert times == ["0.8 s", "10.0 s", "28 s", "1 min 00 s", "3 min 24 s", "1 h 02 min"]


def test_thumbnail_is_a_small_picture_of_the_picture() -> None:
    big = Image.linear_gradient("L").resize((1600, 800)).convert("RGB")
    out = io.BytesIO()
    big.save(out, "JPEG")
    head, _, body = data_uri_thumbnail(out.getvalue()).partition(",")
    assert head in ("data:image/webp;base64", "data:image/jpeg;base64")
    with Image.open(io.BytesIO(base64.b64decode(body))) as small:
        assert small.size == (160, 80)
        assert abs(grey_at(small, 80, 75) - grey_at(big, 800, 750)) < 8
    assert len(body) < 5000


def test_thumbnail_lays_transparency_on_white_turns_upright_and_never_enlarges(tmp_path: Path) -> None:
    clear = tmp_path / "clear.png"
    Image.new("RGBA", (40, 20), (255, 0, 0, 0)).save(clear)
    with Image.open(io.BytesIO(shrink(clear, 160))) as small:
        assert small.size == (40, 20)
        assert grey_at(small, 20, 10) > 250
    turned = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (400, 200)).save(turned, exif=exif)
    with Image.open(io.BytesIO(shrink(turned, 100))) as small:
        assert small.size == (50, 100)


def test_thumbnail_of_no_picture_is_an_error() -> None:
    with pytest.raises(OSError):
        data_uri_thumbnail(b"not a picture")
