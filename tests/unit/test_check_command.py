"""``skuflow check``: everything that the gate finds, over a whole catalog, as text and as JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from flows.commands.check import check_catalog
from flows.commands.findings_text import sentences, subject
from flows.order import Order, read_order
from flows.wishes import Wishes
from skuflow.catalog.gate.judging import gate_rules
from skuflow.catalog.intake import Gate, _studio_zh
from skuflow.catalog.photo_records import Refusal
from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.brief import Brief
from skuflow.listing.findings import Finding, Severity
from skuflow.storage.folder import FolderStore
from skuflow.studio.cutting.verdict import RULES


def photo(path: Path, colour: tuple[int, int, int], side_px: int = 820) -> str:
    picture = np.full((side_px, side_px, 3), 255, np.uint8)
    quarter = side_px // 4
    cv2.rectangle(picture, (quarter, quarter), (3 * quarter, 3 * quarter), colour, -1)
    cv2.circle(picture, (side_px // 2, side_px // 2), quarter // 2, (230, 230, 230), -1, cv2.LINE_AA)
    cv2.imwrite(str(path), picture)
    return str(path)


def product(sku: str, image: str) -> Product:
    return Product(sku=sku, titles={"en": "Steel mug"}, images=(image,), source=ProductSource(catalog="c"))


def codes(capsys: pytest.CaptureFixture[str]) -> dict[str, set[str]]:
    return {
        row["sku"]: {finding["code"] for finding in row["findings"]}
        for row in json.loads(capsys.readouterr().out)
    }


def test_photos_of_different_skus_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blue, red = photo(tmp_path / "blue.png", (160, 60, 30)), photo(tmp_path / "red.png", (30, 40, 170))
    again = photo(tmp_path / "again.png", (163, 63, 33))
    order = Order((product("A", blue), product("B", again), product("C", red), product("D", blue)), Brief())
    store = FolderStore(tmp_path / "storage")
    assert check_catalog(order, store, as_json=True) == 0
    found = codes(capsys)
    assert {"PHOTO_DUPLICATE", "PHOTO_NEAR_DUPLICATE", "PHOTO_COLOUR_VARIANT"} <= found["A"]
    assert {"PHOTO_NEAR_DUPLICATE", "PHOTO_COLOUR_VARIANT"} <= found["B"]
    assert "PHOTO_NEAR_DUPLICATE" not in found["C"]
    assert "PHOTO_COLOUR_VARIANT" in found["C"]


def test_text_findings_and_own_limits_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order = Order((product("A", photo(tmp_path / "a.png", (160, 60, 30))),), Brief())
    store, own = FolderStore(tmp_path / "storage"), tmp_path / "gate.yaml"
    own.write_text("TITLE_FEW_ATTRIBUTES: {error: 99}", encoding="utf-8")
    assert check_catalog(order, store, as_json=True) == 0
    assert "TITLE_FEW_ATTRIBUTES" in codes(capsys)["A"]
    assert check_catalog(order, store, as_json=True, gate=Gate(gate_rules(own))) == 3


def test_what_would_be_blocked_is_counted_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = Order((product("A", photo(tmp_path / "a.png", (160, 60, 30), side_px=700)),), Brief())
    assert check_catalog(order, FolderStore(tmp_path / "storage"), as_json=False) == 3
    said = capsys.readouterr().out
    assert "A: blocked" in said
    assert "ERR_VS_402" in said
    assert "1 would be blocked" in said


def test_findings_alike_are_counted_and_what_blocks_most_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = tuple(photo(tmp_path / f"{n}.png", (160, 60, 30 + n), side_px=700) for n in range(5))
    looked = product("A", small[0]).model_copy(update={"images": small})
    assert check_catalog(Order((looked,), Brief()), FolderStore(tmp_path / "storage"), as_json=False) == 3
    said = capsys.readouterr().out
    assert said.count("✗ ERR_VS_402 (") == 2
    assert "ERR_VS_402: 3 more like it" in said
    assert "SKUs blocked by 拦截原因: ERR_VS_402 1" in said


def test_what_a_cutout_failed_at_is_said_in_chinese_too() -> None:
    told = {
        _studio_zh(Refusal(code=rule.code, message=rule.message))
        for rule in RULES
        if rule.code in ("CUTOUT_BACKGROUND", "CUTOUT_LOW_CONFIDENCE")
    }
    assert len(told) == 6
    runs_out = Refusal(code="PRODUCT_RUNS_OUT_OF_PHOTO", message="runs out of the photo (bottom, top)")
    assert "上方、下方" in _studio_zh(runs_out)


def test_no_remedy_names_a_transparent_background() -> None:
    """What is transparent in a photo is laid on white before it is cut out."""
    for rule in RULES:
        told = f"{rule.message} {_studio_zh(Refusal(code=rule.code, message=rule.message))}"
        assert not re.search("transparent background|透明背景", told)
    glass = next(rule for rule in RULES if rule.measure == "glassy_ratio")
    assert "dark cards" in glass.message
    assert "深色卡纸" in _studio_zh(Refusal(code=glass.code, message=glass.message))


def test_places_are_named_in_the_first_language_of_the_terminal() -> None:
    found = Finding(code="X", severity=Severity.INFO, subject="image:scene:1, image:scene:2", message="m")
    assert subject(found, ("zh",)) == "场景图 1、场景图 2"
    assert subject(found, ("en", "zh")) == "image:scene:1, image:scene:2"


def checked(folder: Path, *rows: str, **options: Any) -> tuple[int, Order, FolderStore]:
    path = folder / "c.csv"
    path.write_text("sku,title,category,attributes,images\n" + "\n".join(rows) + "\n", encoding="utf-8")
    order, store = read_order(path, Wishes()), FolderStore(folder / "storage")
    return check_catalog(order, store, **{"as_json": False, **options}), order, store


def test_everything_wrong_with_a_refused_row_is_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo(tmp_path / "small.png", (160, 60, 30), side_px=700)
    status, _, _ = checked(
        tmp_path,
        "A,Stainlss Steel Mug,cups,,gone.png",
        "B,,cups,,small.png",
        'C,Mug,cups,"{""a"": ",small.png',
        as_json=True,
    )
    assert status == 3
    found = codes(capsys)
    assert {"ROW_NO_IMAGE", "SPELLING_SUSPICIOUS", "TITLE_FEW_ATTRIBUTES", "PARAMETERS_INCOMPLETE"} <= found[
        "A"
    ]
    assert {"ROW_NO_TITLE", "ERR_VS_402", "PHOTO_DUPLICATE"} <= found["B"]
    assert "ROW_BAD_JSON" in found["C"]
    assert "PARAMETERS_INCOMPLETE" not in found["C"], (
        "what stands in a cell that cannot be read is not missing"
    )


def test_of_a_row_in_wrong_columns_nothing_else_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checked(tmp_path, "A,Mug, with comma,cups,,a.png,more", as_json=True)
    assert codes(capsys) == {"A": {"ROW_TOO_MANY_COLUMNS"}}


def test_skus_come_in_the_order_of_the_catalog(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo(tmp_path / "a.png", (160, 60, 30))
    checked(tmp_path, "A,Mug,cups,,gone.png", "B,Mug,cups,,a.png", "C,,cups,,a.png")
    lines = capsys.readouterr().out.splitlines()
    assert [line[:2] for line in lines if not line.startswith(" ")][:3] == ["A:", "B:", "C:"]


def test_notes_are_counted_and_shown_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((1300, 1300, 3), 225, np.uint8))
    picture = cv2.imread(str(tmp_path / "grey.png"))
    assert picture is not None
    cv2.rectangle(picture, (300, 300), (1000, 1000), (30, 60, 150), -1)
    cv2.imwrite(str(tmp_path / "grey.png"), picture)
    _, order, store = checked(tmp_path, "A,Red steel mug 380 ml,cups,,grey.png")
    said = capsys.readouterr().out
    assert "PHOTO_BACKGROUND_NOT_WHITE" not in said
    assert "1 notes that ask for nothing are not shown; --notes shows them" in said
    check_catalog(order, store, as_json=False, notes=True)
    shown = capsys.readouterr().out
    assert "· PHOTO_BACKGROUND_NOT_WHITE" in shown
    assert "--notes" not in shown
    check_catalog(order, store, as_json=True)
    assert "PHOTO_BACKGROUND_NOT_WHITE" in codes(capsys)["A"]


def test_each_language_alone_and_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, order, store = checked(tmp_path, "A,杯,cups,,gone.png")
    both = capsys.readouterr().out
    check_catalog(order, store, as_json=False, languages=("zh",))
    chinese = capsys.readouterr().out
    check_catalog(order, store, as_json=False, languages=("en",))
    english = capsys.readouterr().out
    assert "no photo was found; name an existing file" in both
    assert "找不到图片；请在" in both
    assert "no photo" not in chinese
    assert "A: 拦截" in chinese
    assert "（第 2 行，“images”列）" in chinese or "(第 2 行，“images”列): 找不到图片" in chinese
    assert "1 个会被拦截" in chinese
    assert not re.search(r"[\u4e00-\u9fff]", english.replace("杯", ""))
    assert len(chinese.splitlines()) < len(both.splitlines())


def test_a_finding_without_chinese_is_told_in_english() -> None:
    finding = Finding(code="X", severity=Severity.ERROR, subject="a", message="no ink", message_zh="")
    assert sentences(finding, ("zh",)) == ("no ink",)
    assert sentences(finding, ("en", "zh")) == ("no ink",)
