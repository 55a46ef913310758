"""``skuflow lint`` as people and machines see it, and what it says that mending costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.commands.lint import lint_kits, scope_of
from flows.commands.lint_changes import ChangeSum
from flows.commands.lint_costs import Price, Prices, fix_lines
from skuflow.jobs.contract import Capability, JobHandle, Slot
from skuflow.listing.kit import Kit
from skuflow.listing.markets import UnknownMarketError
from skuflow.listing.rules import UnknownMarketplaceError
from skuflow.review.lint import Scope
from skuflow.review.lint_fixes import Fix
from skuflow.review.lint_report import lint_library
from skuflow.settings import Settings, read_settings
from tasks.wiring import Wiring, wire
from tests.money import order
from tests.unit.library import image, kit, rendition, store_of, text

TODAY = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "SKUFLOW_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("SKUFLOW_PROVIDERS", "SKUFLOW_ROUTES", "SKUFLOW_STORAGE", "SKUFLOW_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("flows.commands.lint.today", lambda: TODAY)


def settings(tmp_path: Path, **more: str) -> Settings:
    values = {
        "skuflow_home": str(tmp_path / "home"),
        "skuflow_storage": f"file:{tmp_path / 'storage'}",
        **more,
    }
    return read_settings(values)


def library(tmp_path: Path, *kits: Kit) -> None:
    store_of(tmp_path / "storage", *kits)


def linted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], on: str | None = None, *marketplaces: str, **more: Any
) -> tuple[int, dict[str, Any]]:
    status = lint_kits(settings(tmp_path), on, more.get("market"), marketplaces, True)
    return status, json.loads(capsys.readouterr().out)


SMALL = kit("SMALL", images=(image("main", renditions=(rendition((400, 400)),)), image("scene")))
LONG = kit("LONG", copy=(text(title="m" * 129),))


def test_a_good_library_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library(tmp_path, kit("A"), kit("B"))
    status, report = linted(tmp_path, capsys)
    assert (status, report["kits"], report["findings"], report["fixes"]) == (0, 2, [], [])
    assert (report["on"], report["today"]) == ("2026-11-20", "2026-11-20")
    # The home is not even made: nothing is asked of the ledger where nothing is to be priced.
    assert not (tmp_path / "home").exists()


def test_something_refused_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library(tmp_path, kit("A"), LONG)
    status, report = linted(tmp_path, capsys)
    assert status == 3
    assert [(f["sku"], f["rule"]) for f in report["findings"]] == [
        ("LONG", "aliexpress.text.title_max_chars")
    ]
    assert report["refused"] == [{"marketplace": "aliexpress", "parts": 1, "skus": 1, "new": 0}]
    assert report["rules"][0]["parts"] == 1


def test_advice_and_gaps_end_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library(tmp_path, kit("A"))
    status, report = linted(tmp_path, capsys, None, "tiktok_shop")
    assert {finding["severity"] for finding in report["findings"]} == {"warning"}
    assert {finding["code"] for finding in report["findings"]} == {"RULE_GAP", "RULE_ADVICE"}
    assert status == 0


def test_a_damaged_kit_ends_with_3_and_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library(tmp_path, kit("A"))
    (tmp_path / "storage" / "kits" / "A" / "kit.json").write_bytes(b'{"sku":')
    status, report = linted(tmp_path, capsys)
    assert status == 3
    (entry,) = report["unreadable"]
    assert (entry["code"], entry["key"]) == ("KIT_UNREADABLE", "kits/A/kit.json")
    assert lint_kits(settings(tmp_path), None, None, (), False) == 3
    assert "KIT_UNREADABLE kits/A/kit.json: " in capsys.readouterr().out


def test_a_day_to_come_says_what_changes_and_what_it_costs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library(tmp_path, kit("A"), SMALL)
    day_before, _ = linted(tmp_path, capsys, "2027-01-30", "google_merchant")
    assert day_before == 0
    status, report = linted(tmp_path, capsys, "2027-01-31", "google_merchant")
    assert status == 3
    assert report["refused"] == [{"marketplace": "google_merchant", "parts": 1, "skus": 1, "new": 1}]
    assert {(c["on"], c["limit"], c["begins"]) for c in report["rule_changes"]} == {
        ("2027-01-31", "500", True),
        ("2027-01-31", "250", False),
        ("2027-01-31", "100", False),
    }
    assert report["fix_cost_cny"] == "0"
    lint_kits(settings(tmp_path), "2027-01-31", None, ("google_merchant",), False)
    said = capsys.readouterr().out
    assert "1 parts of 1 SKUs fail google_merchant on 2027-01-31, 1 of them new since today." in said
    assert "SMALL image:main:1 400x400.jpg: google_merchant.main: 400 px wide, at least 500 px" in said
    assert "since 2027-01-31" in said


def test_without_a_marketplace_a_loss_elsewhere_is_told_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library(tmp_path, SMALL)
    _, report = linted(tmp_path, capsys, "2027-01-31")
    losses = {finding["rule"] for finding in report["findings"] if finding["code"] == "RULE_LOST"}
    assert "google_merchant.main.width_min_px" in losses


def test_an_empty_storage_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint_kits(settings(tmp_path), None, None, (), False) == 0
    assert "skuflow run" in capsys.readouterr().out


def test_long_lists_are_cut_for_people_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library(tmp_path, *(LONG.model_copy(update={"sku": f"S-{number:03}"}) for number in range(45)))
    lint_kits(settings(tmp_path), None, None, (), False)
    said = capsys.readouterr().out
    assert said.count("RULE_REFUSED S-") == 40
    assert "... and 5 more" in said
    _, report = linted(tmp_path, capsys)
    assert len(report["findings"]) == 45


def test_options() -> None:
    assert scope_of(None, None, ()) == Scope(TODAY, TODAY)
    assert scope_of("2027-01-31", None, ("Amazon", "amazon ")) == Scope(date(2027, 1, 31), TODAY, ("amazon",))
    assert scope_of(None, "id", ()) == Scope(TODAY, TODAY, ("shopee", "tiktok_shop"), "ID")
    assert scope_of(None, "Indonesia", ("ebay",)) == Scope(TODAY, TODAY, ("ebay",), "ID")
    with pytest.raises(UnknownMarketplaceError, match="aliexpress"):
        scope_of(None, None, ("etsy",))
    with pytest.raises(UnknownMarketError, match="US"):
        scope_of(None, "XX", ())
    with pytest.raises(SystemExit) as ended:
        scope_of("31.1.2027", None, ())
    assert ended.value.code == 2


# What mending costs


@pytest.fixture
def wiring(tmp_path: Path) -> Iterator[Wiring]:
    """With a vendor for pictures, whose key is never used: prices are known without asking."""
    wired = wire(
        settings(tmp_path, skuflow_providers="image=wanx", dashscope_api_key="sk-none", skuflow_caps="")
    )
    yield wired
    wired.close()


def settle(wiring: Wiring, shot: int, cost_micro: int, **changes: Any) -> None:
    wish = order(
        "MUG-1",
        **{
            "slot": Slot("MUG-1", "image:scene", shot),
            "provider": "wanx",
            "estimated_micro": cost_micro,
            **changes,
        },
    )
    job = wiring.ledger.begin_submit(wiring.ledger.reserve(wish, owner="me"))
    job = wiring.ledger.record_submitted(job, JobHandle("wanx", "", f"v-{shot}"))
    wiring.ledger.settle(wiring.ledger.record_stored(job, (), None))


def test_the_price_is_the_estimate_until_jobs_have_settled_and_then_their_median(
    tmp_path: Path, wiring: Wiring
) -> None:
    library(tmp_path, kit("MUG-1"))
    estimate = Prices(lambda: wiring).of(Capability.IMAGE, "MUG-1")
    assert estimate.basis == "estimate of wanx"
    assert estimate.micro
    for shot, cost in enumerate((100_000, 900_000, 200_000), 1):
        settle(wiring, shot, cost)
    settle(wiring, 4, 30_000_000, provider="other")
    assert Prices(lambda: wiring).of(Capability.IMAGE, "MUG-1") == Price(
        200_000, "median of 3 settled jobs of wanx"
    )
    assert Prices(lambda: wiring).of(Capability.COPY, "MUG-1") == Price(0, "offline is free")


def test_a_price_is_looked_up_once(tmp_path: Path, wiring: Wiring) -> None:
    library(tmp_path, kit("MUG-1"))
    opened: list[Wiring] = []

    def open_wiring() -> Wiring:
        opened.append(wiring)
        return wiring

    prices = Prices(open_wiring)
    first = prices.of(Capability.IMAGE, "MUG-1")
    settle(wiring, 1, 1)
    assert prices.of(Capability.IMAGE, "MUG-1") == first
    prices.of(Capability.VIDEO, "MUG-1")
    assert len(opened) == 1


def test_a_kit_that_is_gone_has_no_price(tmp_path: Path, wiring: Wiring) -> None:
    assert Prices(lambda: wiring).of(Capability.IMAGE, "NONE").micro is None


def test_a_part_that_breaks_several_rules_is_mended_once(tmp_path: Path) -> None:
    tiny = image("scene", sizes=((640, 640),), provider="wanx")
    bad = kit("BAD", images=(image("main"), tiny, image("scene", 2, sizes=((640, 640),), provider="wanx")))
    report = lint_library(store_of(tmp_path, bad), Scope(TODAY, TODAY))
    assert sum(finding.found.hard for finding in report.findings) == 4
    lines = fix_lines(report.findings, lambda capability, sku: Price(200_000, "a test"))
    ((line),) = lines
    assert (line.fix, line.units, line.micro, line.severity) == (Fix.GENERATE, 2, 400_000, "error")
    assert line.as_json()["cny"] == "0.4"


def test_a_video_that_is_too_short_and_of_another_shape_is_bought_once(tmp_path: Path) -> None:
    report = lint_library(store_of(tmp_path, kit("A")), Scope(TODAY, TODAY, ("amazon",)))
    fields = {each.found.breach.field for each in report.findings if each.found.part == "video:1"}
    assert fields == {"shapes", "duration_min_s"}
    lines = fix_lines(report.findings, lambda capability, sku: Price(1_000_000, "a test"))
    assert sum(line.units for line in lines if line.capability is Capability.VIDEO) == 1


def test_work_that_is_not_skuflow_s_has_no_price(tmp_path: Path) -> None:
    report = lint_library(store_of(tmp_path, kit("A")), Scope(TODAY, TODAY, ("temu",)))
    lines = fix_lines(report.findings, lambda capability, sku: Price(None, "unknown"))
    photo = next(line for line in lines if line.fix is Fix.PHOTO and line.severity == "error")
    assert (photo.units, photo.micro, photo.basis) == (3, None, "no work of skuflow")


def test_the_command_is_there_and_says_its_exit_status() -> None:
    from typer.testing import CliRunner

    from flows.cli import app

    said = CliRunner().invoke(app, ["lint", "--help"]).output
    for word in ("--on", "--market", "--marketplace", "--json"):
        assert word in said


CHANGE = "2027-01-31 google_merchant lifestyle, main, secondary: height_min_px, width_min_px 100, 250 (apparel) → 500"


def test_limits_that_change_together_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library(tmp_path, kit("A"), SMALL)
    lint_kits(settings(tmp_path), "2027-01-31", None, ("google_merchant",), False)
    said = [line for line in capsys.readouterr().out.splitlines() if "→" in line]
    assert said == [
        f"  {CHANGE}; hits 1 parts of 1 SKUs: 1 need another photo or a person",
        f"    {CHANGE}；影响 1 个 SKU 的 1 个部分：1 个需更换图片或人工处理",
    ]


@pytest.mark.parametrize(
    ("micro", "by_hand", "said"),
    [
        (2_000_000, 0, "mending costs about 2 CNY"),
        (0, 1, "mending costs about 0 CNY; 1 need another photo or a person"),
        (None, 0, "no price is known"),
        (None, 3, "3 need another photo or a person"),
    ],
)
def test_what_a_change_costs(micro: int | None, by_hand: int, said: str) -> None:
    change = ChangeSum(
        date(2027, 1, 31), "amazon", ("main",), ("width_min_px",), "", "500", 3, 2, micro, by_hand
    )
    start = "2027-01-31 amazon main: width_min_px any → 500; hits 3 parts of 2 SKUs: "
    assert change.sentence("en") == start + said
    assert "width_min_px 不限 → 500；影响 2 个 SKU 的 3 个部分：" in change.sentence("zh")


def test_a_change_that_hits_nothing_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library(tmp_path, kit("A"))
    lint_kits(settings(tmp_path, skuflow_language="en"), "2027-01-31", None, ("google_merchant",), False)
    assert "→ 500; hits nothing" in capsys.readouterr().out


def test_a_chinese_reader_is_spoken_to_in_chinese(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library(tmp_path, SMALL)
    lint_kits(settings(tmp_path, skuflow_language="zh"), "2027-01-31", None, ("google_merchant",), False)
    said = capsys.readouterr().out
    assert "google_merchant.main：宽 400 像素，至少需 500 像素 (硬性, 2027-01-31 起" in said
    assert "1 个 SKU 的 1 个部分不符合 google_merchant，其中 1 个为新增" in said
    assert "处理方法" in said
    assert "拒收" in said
    assert "需人工处理" in said
    assert "不再违反" not in said, "another limit of the same rule is broken then"
    for english in (
        "fail google_merchant",
        "refused ",
        "no work of",
        "What mends it",
        "at least",
        "kits looked at",
    ):
        assert english not in said
