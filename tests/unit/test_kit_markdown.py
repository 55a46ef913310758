"""A kit as an artifact: everything a reviewer asks, in both languages, as text and never as markup."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from skuflow.ledger.spending import Spent
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import NOT_ASKED_FOR, Kit, Part, PartState
from skuflow.review.kit_links import KitLinks, kit_links
from skuflow.review.markdown import KitMoney, kit_markdown
from skuflow.review.markdown_text import SIZE_LIMIT_BYTES, bounded
from skuflow.review.reasons import reasons
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import ObjectMissingError
from tests.review_kits import (
    blocked_charger,
    deferred_bottle,
    hostile,
    lamp,
    mug,
    paint_plainly,
    with_visible_labels,
)

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
URI = "data:image/webp;base64,AAAA"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "storage")


class Signing(FolderStore):
    """A storage whose objects are no files of this machine; it cannot sign for ``missing``."""

    missing: str = ""

    def local_path(self, key: str) -> Path | None:
        return None

    def url(self, key: str, valid_s: int = 3600) -> str:
        if self.missing and self.missing in key:
            raise ObjectMissingError(f"there is no {key}")
        return f"https://shop.oss-cn-hangzhou.aliyuncs.com/{key}?x-oss-expires={valid_s}&x=(1)"


def film(sku: str) -> bytes:
    return b"film"


def section(text: str, heading: str) -> str:
    return text.partition(f"### {heading}")[2].partition("\n### ")[0]


def table_rows(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def test_a_ready_kit_says_who_it_is_how_good_and_what_it_cost(store: FolderStore) -> None:
    kit = mug(store, paint_plainly, film)
    money = KitMoney(
        (
            Spent(
                "kling", "video", paid=True, parts=1, attempts=2, settled_micro=3_450_000, held_micro=10_000
            ),
        ),
        150_000_000,
    )
    text = kit_markdown(kit, {kit.images[0].id: URI}, None, money, ZONE)
    assert text.startswith("## 复古窑变釉陶瓷马克杯 380ml\n")
    assert "**Ready for review 待审核** · `DM-MUG-001`" in text
    assert text.count(f"]({URI})") == text.count("](data:") == 1
    assert "| **92** | **90** | **97** | **91** |" in text
    assert "an agency takes ¥150.00 外包价" in text
    assert "| 可灵 Kling | Video 视频 | 1 | 2 | ¥3.45 | ¥0.01 |" in text
    (japanese,) = [row for row in table_rows(text) if row[0] == "日本語 \\(ja\\)"]
    assert japanese[1].startswith("窯変釉")
    assert "`COPY_UNTRANSLATED`" in text


def test_every_part_tells_its_points_lost_by_name(store: FolderStore) -> None:
    kit = mug(store, paint_plainly, film)
    first = kit.images[1]
    marked = first.model_copy(
        update={
            "scores": {
                "overall": 88.5,
                "sharpness": 91.0,
                "exposure": 97.5,
                "identity": 100.0,
                "fringe_ratio": 0.2,
            }
        }
    )
    kit = kit.model_copy(update={"images": (kit.images[0], marked, *kit.images[2:])})
    (row,) = [row for row in table_rows(kit_markdown(kit, {})) if row[0] == "Scene 1 场景图 1"]
    assert row[1] == "88.5"
    assert row[2] == "Sharpness 清晰度 −9; Exposure 曝光 −2\\.5"


def test_full_points_need_no_table(store: FolderStore) -> None:
    kit = mug(store, paint_plainly, film)
    full = [one.model_copy(update={"scores": {"overall": 100.0, "sharpness": 100.0}}) for one in kit.images]
    kit = kit.model_copy(update={"images": tuple(full), "copy_": (), "videos": ()})
    text = kit_markdown(kit, {})
    assert "Points lost" not in text
    assert "Parts that lost no points 未扣分: 4 / 4" in text


def test_a_blocked_kit_says_what_to_put_right_in_both_languages_and_no_scores() -> None:
    text = kit_markdown(blocked_charger(), {})
    told = section(text, "What to put right")
    (line,) = [line for line in told.splitlines() if "`ERR_VS_402`" in line]
    assert "The photo is too small\\." in line
    assert any("\u4e00" <= letter <= "\u9fff" for letter in line.partition("small")[2])
    assert "### Scores" not in text
    assert "### Files" not in text


def test_what_is_missing_stands_with_its_reason(store: FolderStore) -> None:
    text = kit_markdown(deferred_bottle(store, paint_plainly), {})
    assert "- **Scene 2 场景图 2**, waiting 等待中: The daily cap" in section(text, "Not there yet")


def test_what_nobody_asked_for_is_not_missed(store: FolderStore) -> None:
    kit = deferred_bottle(store, paint_plainly)
    unwanted = Part(part="video:1", state=PartState.SKIPPED, reason=NOT_ASKED_FOR)
    no_vendor = Part(part="video:2", state=PartState.SKIPPED, reason="NEEDS_VENDOR: none can make it")
    text = section(kit_markdown(kit.model_copy(update={"parts": (unwanted, no_vendor)}), {}), "Not there yet")
    assert "Video 2" in text
    assert "Video 1" not in text


def test_a_folder_is_a_path_and_a_bucket_has_links_that_say_when_they_end(tmp_path: Path) -> None:
    plain, signing = FolderStore(tmp_path / "a"), Signing(tmp_path / "b")
    for store in (plain, signing):
        store.put("kits/DM-MUG-001/kit.json", b"{}", "application/json")
    kit = mug(signing, paint_plainly, film)

    folder = kit_links(kit, plain, NOW)
    assert (folder.addresses, folder.until) == ({}, None)
    assert "](file:" not in (text := kit_markdown(kit, {}, folder))
    assert f"`{tmp_path / 'a' / 'kits/DM-MUG-001/kit.json'}`" in text

    links = kit_links(kit, signing, NOW)
    assert links.until == NOW + timedelta(days=7)
    assert set(links.addresses) >= {"kit.json", kit.videos[0].file}
    text = kit_markdown(kit, {kit.images[0].id: URI}, links, zone=ZONE)
    assert "x-oss-expires=604800&x=%281%29)" in text
    pictures, large = list(table_rows(text))[2:4]
    assert pictures == [f"![Main image]({URI})"]
    assert large[0].startswith(
        "[Open 打开](https://shop.oss-cn-hangzhou.aliyuncs.com/kits/DM-MUG-001/image-main-1"
    )
    assert "until 2026-11-28 16:00 Asia/Shanghai at the latest" in text
    assert "2026-11-28 16:00 Asia/Shanghai 失效" in text


def test_a_file_without_address_is_named_without_link(tmp_path: Path) -> None:
    store = Signing(tmp_path)
    kit = mug(store, paint_plainly, film)
    store.missing = "video-1"
    text = kit_markdown(kit, {}, kit_links(kit, store, NOW))
    assert "- Video 1 视频 1: 1080 × 1920" in text


def test_what_a_model_drew_is_counted_and_visible_labels_are_named(store: FolderStore) -> None:
    kit = mug(store, paint_plainly, film)
    assert "No picture or video was drawn by a trained model" in kit_markdown(kit, {})
    scenes = [
        one.model_copy(update={"origin": f"http://cv.iptc.org/newscodes/digitalsourcetype/{origin}"})
        for one, origin in zip(
            kit.images[1:],
            ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "compositeSynthetic"),
            strict=True,
        )
    ]
    drawn = with_visible_labels(
        store, paint_plainly, kit.model_copy(update={"images": (kit.images[0], *scenes)})
    )
    text = section(kit_markdown(drawn, {}), "AI label")
    assert "2 of 5 pictures and videos" in text
    assert "5 个图片和视频中有 2 个" in text
    assert "The law of CN asks" in text
    assert f"`{drawn.images[1].labelled[0].file}`" in text


def test_product_text_stays_text(store: FolderStore) -> None:
    text = kit_markdown(hostile(store, paint_plainly), {})
    assert "<script" not in text
    assert "<img" not in text
    kit = mug(store, paint_plainly, film)
    bad = kit.copy_[0].model_copy(update={"title": "a | b\n\n# c [x](javascript:alert(1))"})
    text = kit_markdown(kit.model_copy(update={"copy_": (bad,)}), {})
    assert "| a \\| b \\# c \\[x\\]\\(javascript:alert\\(1\\)\\) |" in text


@pytest.mark.parametrize(("findings", "thumbnail_bytes"), [(3_000, 1_000), (10, 400_000)])
def test_no_artifact_is_too_large(store: FolderStore, findings: int, thumbnail_bytes: int) -> None:
    kit = lamp(store, paint_plainly, film)
    many = tuple(
        Finding(
            code=f"CODE_{n}",
            severity=Severity.ERROR if n % 2 else Severity.WARNING,
            subject="row 1",
            message="x" * 5_000,
            message_zh="图" * 5_000,
        )
        for n in range(findings)
    )
    kit = kit.model_copy(update={"findings": many})
    uri = f"data:image/webp;base64,{'A' * thumbnail_bytes}"
    text = kit_markdown(kit, {image.id: uri for image in kit.images})
    assert len(text.encode()) < SIZE_LIMIT_BYTES
    assert "CODE_1`" in text


def test_links_without_addresses_are_a_place_only() -> None:
    kit: Kit = blocked_charger()
    assert kit_markdown(kit, {}, KitLinks("kits/x/kit.json")).endswith(
        "### Files 文件\n\n`kits/x/kit.json`\n"
    )


def test_why_a_part_waits_is_told_in_both_languages(store: FolderStore) -> None:
    waits = Part(part="video:1", state=PartState.WAITING, reason="IN_DOUBT: kling's reply was lost, job j-1")
    odd = Part(part="copy:es", state=PartState.FAILED, reason="something *new*")
    kit = deferred_bottle(store, paint_plainly).model_copy(update={"parts": (waits, odd)})
    lines = section(kit_markdown(kit, {}), "Not there yet").splitlines()
    assert (
        "- **Video 1 视频 1**, waiting 等待中: IN\\_DOUBT: kling's reply was lost, job j\\-1 提交后未收到答复，"
        "不确定是否收费；请到供应商后台核对，系统不会自动重复购买（IN\\_DOUBT）" in lines
    )
    assert "- **Copy Español 文案 Español**, failed 失败: something \\*new\\*" in lines
    assert [(one.en == one.zh) for one in reasons(kit) if one.is_part] == [False, True]


def test_a_page_that_cannot_be_made_small_enough_is_cut_and_says_so(store: FolderStore) -> None:
    long = tuple(
        Finding(
            code=f"C_{n}", severity=severity, subject="x" * 300, message="[文]" * 300, message_zh="[字]" * 300
        )
        for n, severity in enumerate((Severity.ERROR, Severity.WARNING) * 60)
    )
    kit = deferred_bottle(store, paint_plainly).model_copy(update={"findings": long})
    text = kit_markdown(kit, {})
    assert len(text.encode()) < SIZE_LIMIT_BYTES
    assert text.endswith("… cut, too long to be shown 内容过长，已截断: `kit.json`\n")
    assert text.splitlines()[-3].startswith("- ")


@pytest.mark.parametrize(("over_bytes", "cut"), [(-1, False), (0, True), (1, True)])
def test_a_text_is_cut_at_a_line_from_the_limit_on(over_bytes: int, cut: bool) -> None:
    lines = "文字文字文字\n" * (SIZE_LIMIT_BYTES // 19)
    text = lines + "x" * (SIZE_LIMIT_BYTES + over_bytes - len(lines.encode()))
    shown = bounded(text, "there")
    assert len(shown.encode()) < SIZE_LIMIT_BYTES
    assert (shown != text) is cut
    assert shown.startswith("文字文字文字\n文字文字文字\n")
