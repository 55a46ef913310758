from __future__ import annotations

import re

import pytest

from skuflow.storage.keys import asset_key, clashing_skus, cutout_key, kit_key, sku_slug


@pytest.mark.parametrize("sku", ["DM-MUG-001", "a", "x_1.v2", "-dash", "20240115", "LOT-20240115", "A" * 80])
def test_a_safe_file_name_stays_itself(sku: str) -> None:
    assert sku_slug(sku) == sku


@pytest.mark.parametrize(
    "sku",
    [
        "a/b",
        "..",
        ".hidden",
        "dot.",
        "CON",
        "nul.txt",
        "Com1",
        "马克杯",
        "a b",
        "",
        "A" * 81,
        "a\nb",
        "é",
        "a:b",
        "index.html",
        "index-2.html",
        "summary.csv",
        "costs.html",
        "Costs.CSV",
    ],
)
def test_anything_else_becomes_readable_and_unique(sku: str) -> None:
    slug = sku_slug(sku)
    assert slug != sku
    assert re.fullmatch(r"[A-Za-z0-9_-]+-[0-9a-f]{8}", slug)
    assert sku_slug(slug) == slug, "a slug is a safe file name"
    assert slug == sku_slug(sku)


def test_what_reads_alike_stays_apart() -> None:
    assert len({sku_slug(sku) for sku in ("a b", "a/b", "a-b", "a:b", "a  b")}) == 5


def test_skus_that_a_file_system_may_mix_up_are_found() -> None:
    slug = sku_slug("a b")
    assert clashing_skus(["MUG-1", "lamp", "mug-1", "MUG-1", "a b", slug]) == [
        ("MUG-1", "mug-1"),
        ("a b", slug),
    ]
    assert clashing_skus(["a", "b"]) == []


def test_keys_say_what_they_are() -> None:
    slug = sku_slug("MUG 1")
    assert asset_key("MUG 1", "image:scene:2", "1200x630", "ab" * 32, "jpg") == (
        f"kits/{slug}/image-scene-2-1200x630-abababab.jpg"
    )
    assert (
        asset_key("m", "copy:es:amazon", "copy", "ab" * 32, "json") == "kits/m/copy-es-amazon-abababab.json"
    )
    assert asset_key("m", "video:1", "../..", "ab" * 32, "mp4") == "kits/m/video-1-abababab.mp4"
    assert kit_key("MUG-1") == "kits/MUG-1/kit.json"
    assert cutout_key("MUG-1", "cd" * 32, 3) == "cutouts/MUG-1/cdcdcdcdcdcd-v3.png"
