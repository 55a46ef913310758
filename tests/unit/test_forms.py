"""The forms of the Prefect UI: what they offer, and what becomes of it."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from prefect.utilities.callables import parameter_schema
from pydantic import TypeAdapter

from flows.forms import AS_CONFIGURED, Kits, Makers
from flows.manual import _overrides, manual_kit, manual_listings
from flows.order import read_order
from flows.pasted import catalog_name, pasted_catalog
from flows.wishes import Wishes
from providers.registry import CAPABILITIES, REGISTRY
from skuflow.catalog.errors import CatalogError
from skuflow.jobs.contract import Capability
from skuflow.listing.brief import Brief, BriefError, Stage
from skuflow.listing.markets import markets
from skuflow.listing.motions import all_motions, motion_for
from skuflow.listing.styles import all_styles, style
from skuflow.review.artifact_keys import artifact_key
from skuflow.settings import read_settings

ROOT = Path(__file__).parents[2]
ROWS = "sku\ttitle\timages\nM-1\tCeramic mug, white\thttps://shop.example/m.jpg\n"


def fields(form: type[Kits | Makers]) -> dict[str, dict[str, Any]]:
    properties: dict[str, dict[str, Any]] = TypeAdapter(form).json_schema()["properties"]
    return properties


def offered(field: str, form: type[Kits | Makers] = Kits) -> list[str]:
    schema = fields(form)[field]
    choices: list[str] = schema.get("items", schema)["enum"]
    return choices


def test_choices_are_those_that_exist() -> None:
    assert offered("markets") == list(markets())
    assert {"aliexpress", "amazon", "tiktok_shop"} <= set(offered("marketplaces"))
    assert offered("video_sizes") == ["1080x1920", "1080x1080", "1920x1080"]
    assert "" in offered("style")
    assert "fast_fashion" in offered("style")
    assert {"", "rising_steam", "slow_push_in"} <= set(offered("motion"))


def test_only_who_can_do_the_work_is_offered() -> None:
    assert set(CAPABILITIES) == set(REGISTRY)
    assert offered("copy_by", Makers) == [AS_CONFIGURED, "offline", "qwen", "openai"]
    assert offered("images_by", Makers) == [AS_CONFIGURED, "offline", "wanx", "jimeng", "ark"]
    assert "kling" in offered("video_by", Makers)
    assert not {"qwen", "openai"} & set(offered("video_by", Makers))


@pytest.mark.parametrize("form", [Kits, Makers])
def test_every_field_is_described_in_both_languages(form: type[Kits | Makers]) -> None:
    for name, field in fields(form).items():
        for words in (field["title"], field["description"]):
            assert re.search("[A-Za-z]", words), name
            assert re.search("[\u4e00-\u9fff]", words), name


def test_the_usual_that_is_told_is_the_usual_that_is_made() -> None:
    told = {name: field["description"] for name, field in fields(Kits).items()}
    sizes = ", ".join(f"{width}x{height}" for width, height in Brief().video_sizes_px)
    assert f"none: {sizes}." in told["video_sizes"]
    assert f"none: {', '.join(Brief().languages)}." in told["languages"]


def test_styles_and_motions_are_told_with_their_chinese_names() -> None:
    told = fields(Kits)
    for field, things in (("style", all_styles()), ("motion", all_motions())):
        for one in things:
            assert f"{one.id} {one.name_zh}" in told[field]["description"]


def test_styles_and_motions_are_listed_as_they_are() -> None:
    page = (ROOT / "docs" / "catalogs.md").read_text(encoding="utf-8")
    for heading, things in (("style", all_styles()), ("motion", all_motions())):
        rows = [f"| `{one.id}` | {one.name_en} | {one.name_zh} | {', '.join(one.also)} |" for one in things]
        table = "\n".join([f"| {heading} | English | 中文 | also 别名 |", "|---|---|---|---|", *rows, ""])
        assert table in page, f"write the table of docs/catalogs.md again:\n{table}"
        for one in things:
            assert all(
                found(heading, name) == one.id for name in (one.id, one.name_en, one.name_zh, *one.also)
            )


def found(heading: str, name: str) -> str:
    return style(name).id if heading == "style" else motion_for(None, "", name).id


def test_nothing_chosen_is_the_usual() -> None:
    assert Kits().wishes([]) == Wishes()


def test_what_is_chosen_is_wished_for() -> None:
    kits = Kits(
        stages=[Stage.COPY], markets=["ES"], languages=["es"], style="fast_fashion", motion="slow_push_in"
    )
    wishes = kits.wishes(["MUG-1"])
    assert (wishes.skus, wishes.stages, wishes.markets) == (["MUG-1"], [Stage.COPY], ["ES"])
    assert (wishes.languages, wishes.style, wishes.extras.motion) == (["es"], "fast_fashion", "slow_push_in")


@pytest.mark.parametrize("part", ["scene:2", "image:scene:2", "copy:es", "copy:es:amazon", "video"])
def test_every_part_that_a_kit_names_can_be_asked_for_again(tmp_path: Path, part: str) -> None:
    wishes = Kits(remake=[f"M-1:{part}"], marketplaces=["aliexpress", "amazon"]).wishes([])
    assert read_order(pasted_catalog(ROWS, tmp_path), wishes).remakes.by_sku["M-1"]


@pytest.mark.parametrize("wish", ["M-1", "M-1:", ":scene", "M-2:video", "M-1:sceen"])
def test_a_wish_to_make_again_what_there_is_not_is_refused_in_words(tmp_path: Path, wish: str) -> None:
    with pytest.raises(BriefError) as refused:
        read_order(pasted_catalog(ROWS, tmp_path), Kits(remake=[wish]).wishes([]))
    assert wish in str(refused.value)
    assert "write " in str(refused.value)


def test_what_refuses_an_input_names_the_forms_field_beside_the_option() -> None:
    """The same sentence is told on the command line and in the UI."""
    package = ROOT / "skuflow"
    places = [
        *(package / "catalog").rglob("*.py"),
        *(package / "listing").glob("*.py"),
        *(ROOT / "flows").glob("*.py"),
    ]
    options = 0
    for path in places:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
                continue
            for said in (*node.exc.args, *(keyword.value for keyword in node.exc.keywords)):
                text = "".join(
                    str(each.value)
                    for each in ast.walk(said)
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                )
                if re.search("--[a-z]", text):
                    options += 1
                    assert re.search("form: |表单", text), f"{path.name}: {text}"
    assert options >= 4


def test_no_limit_is_told_by_repeating_what_was_typed() -> None:
    """Prefect's server says ``'...' is too long`` with all of the text, and ``does not match`` with the expression."""
    schema = json.dumps([parameter_schema(form.fn).model_dump() for form in (manual_listings, manual_kit)])
    assert '"pattern"' not in schema
    assert max(map(int, re.findall(r'"maxLength": (\d+)', schema))) <= 2_000


def test_a_maker_chosen_by_hand_takes_the_place_of_the_configured_one() -> None:
    assert Makers().overriding("copy=qwen;image=wanx,jimeng") == "copy=qwen;image=wanx,jimeng"
    assert Makers(images_by="offline").overriding("copy=qwen;image=wanx") == "copy=qwen;image=offline"
    assert Makers(video_by="kling").overriding("") == "video=kling"
    assert Makers().copy_by == AS_CONFIGURED


def test_a_configuration_with_spaces_is_understood_as_the_settings_understand_it() -> None:
    configured = " copy = qwen ; image=wanx , jimeng ;"
    for makers in (Makers(copy_by="offline"), Makers(video_by="kling")):
        read = read_settings({"skuflow_providers": makers.overriding(configured)})
        assert read.providers_for(Capability.IMAGE) == ("wanx", "jimeng")
        assert read.providers_for(Capability.COPY) == ("offline" if makers.copy_by == "offline" else "qwen",)


def test_only_the_rules_of_what_is_chosen_by_hand_are_left_out() -> None:
    rules = "image[value>=500]=jimeng; video[type=atmosphere]=hailuo;image[market=US]=ark"
    assert Makers().routes_left(rules) == rules
    assert Makers(copy_by="qwen").routes_left(rules) == rules
    assert Makers(images_by="wanx").routes_left(rules).strip() == "video[type=atmosphere]=hailuo"
    left = read_settings({"skuflow_routes": Makers(video_by="kling").routes_left(rules)}).routes()
    assert [rule.providers for rule in left] == [("jimeng",), ("ark",)]
    settings = read_settings({"skuflow_providers": "video=kling", "skuflow_routes": rules})
    chosen = _overrides(Makers(images_by="wanx"), settings)
    made_by = set(read_settings({**settings.model_dump(), **chosen}).providers_in_use())
    assert {(Capability.IMAGE, "wanx"), (Capability.VIDEO, "kling"), (Capability.VIDEO, "hailuo")} <= made_by
    assert not {(Capability.IMAGE, "jimeng"), (Capability.IMAGE, "ark")} & made_by


def test_rows_copied_from_a_spreadsheet_are_a_catalog(tmp_path: Path) -> None:
    path = pasted_catalog(ROWS, tmp_path)
    assert path.suffix == ".tsv"
    (product,) = read_order(path, Wishes()).products
    assert (product.sku, product.title) == ("M-1", "Ceramic mug, white")
    assert pasted_catalog("\ufeff" + ROWS.replace("\n", "\r\n"), tmp_path).exists()


def test_who_reads_pasted_rows_while_they_are_pasted_again_finds_them_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pasted_catalog(ROWS, tmp_path)
    whole = path.read_bytes()
    read: list[bytes] = []

    def slowly(written: Path, data: bytes) -> None:
        with written.open("wb") as file:
            file.write(data[:5])
            file.flush()
            read.append(path.read_bytes())
            file.write(data[5:])

    monkeypatch.setattr(Path, "write_bytes", slowly)
    assert pasted_catalog(ROWS, tmp_path) == path
    assert read == [whole]
    assert path.read_bytes() == whole
    assert [left.name for left in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("rows", ["sku,title", "\n\n sku,title \n\n"])
def test_a_header_alone_is_refused(tmp_path: Path, rows: str) -> None:
    with pytest.raises(CatalogError, match="no row below the header"):
        pasted_catalog(rows, tmp_path)


def test_reports_name_pasted_rows_without_the_folder_of_the_worker(tmp_path: Path) -> None:
    path = pasted_catalog(ROWS, tmp_path)
    name = read_order(path, Wishes()).catalog
    assert name == f"pasted-rows-{path.stem}"
    assert artifact_key("batch", name) == f"batch-{name}"
    assert catalog_name("/goods/pasted/week47.csv") == "/goods/pasted/week47.csv"
