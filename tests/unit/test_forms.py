"""The forms of the Prefect UI: what they offer, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from flows.forms import AS_CONFIGURED, Kits, Makers
from flows.order import read_order
from flows.pasted import pasted_catalog
from flows.wishes import Wishes
from skuflow.catalog.errors import CatalogError
from skuflow.listing.brief import Stage
from skuflow.listing.markets import markets


def offered(field: str) -> list[str]:
    schema: dict[str, Any] = TypeAdapter(Kits).json_schema()["properties"][field]
    choices: list[str] = schema.get("items", schema)["enum"]
    return choices


def test_choices_are_those_that_exist() -> None:
    assert offered("markets") == list(markets())
    assert {"aliexpress", "amazon", "tiktok_shop"} <= set(offered("marketplaces"))
    assert offered("video_sizes") == ["1080x1920", "1080x1080", "1920x1080"]
    assert "" in offered("style")
    assert "fast_fashion" in offered("style")


def test_nothing_chosen_is_the_usual() -> None:
    assert Kits().wishes([]) == Wishes()


def test_what_is_chosen_is_wished_for() -> None:
    kits = Kits(
        stages=[Stage.COPY], markets=["ES"], languages=["es"], style="fast_fashion", motion="slow_push_in"
    )
    wishes = kits.wishes(["MUG-1"])
    assert (wishes.skus, wishes.stages, wishes.markets) == (["MUG-1"], [Stage.COPY], ["ES"])
    assert (wishes.languages, wishes.style, wishes.extras.motion) == (["es"], "fast_fashion", "slow_push_in")


@pytest.mark.parametrize("wish", ["MUG-1", "MUG-1:", ":scene", "MUG-1:scene:x"])
def test_a_wish_to_make_again_has_a_shape(wish: str) -> None:
    with pytest.raises(ValidationError):
        Kits(remake=[wish])


def test_a_maker_chosen_by_hand_takes_the_place_of_the_configured_one() -> None:
    assert Makers().overriding("copy=qwen;image=wanx,jimeng") == "copy=qwen;image=wanx,jimeng"
    assert Makers(images_by="offline").overriding("copy=qwen;image=wanx") == "copy=qwen;image=offline"
    assert Makers(video_by="kling").overriding("") == "video=kling"
    assert Makers().copy_by == AS_CONFIGURED


def test_rows_copied_from_a_spreadsheet_are_a_catalog(tmp_path: Path) -> None:
    rows = "sku\ttitle\timages\nM-1\tCeramic mug, white\thttps://shop.example/m.jpg\n"
    path = pasted_catalog(rows, tmp_path)
    assert path.suffix == ".tsv"
    (product,) = read_order(path, Wishes()).products
    assert (product.sku, product.title) == ("M-1", "Ceramic mug, white")
    assert pasted_catalog("\ufeff" + rows.replace("\n", "\r\n"), tmp_path).exists()


@pytest.mark.parametrize("rows", ["sku,title", "\n\n sku,title \n\n"])
def test_a_header_alone_is_refused(tmp_path: Path, rows: str) -> None:
    with pytest.raises(CatalogError, match="no row below the header"):
        pasted_catalog(rows, tmp_path)
