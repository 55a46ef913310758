from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from skuflow.listing.kit import Kit, KitStatus
from skuflow.listing.storyboard import Move, Shot, usual_note
from skuflow.listing.styles import all_styles
from skuflow.quality.score_table import RULES_BY_KIND
from skuflow.review import gallery
from skuflow.review.cards import KitEntry, build_card
from skuflow.review.export import export_kit
from skuflow.review.gallery import RunSummary, write_gallery
from skuflow.review.measures import ASPECTS, measure_words
from skuflow.review.shot_words import shot_words
from skuflow.review.subject_words import subject_words
from skuflow.review.wording import Wording, name_of, part_words, say
from skuflow.storage.folder import FolderStore
from tests.review_kits import (
    HOSTILE_TITLE,
    blocked_charger,
    hostile,
    paint_plainly,
    sample_entries,
    with_visible_labels,
)

RUN = RunSummary(catalog="products.csv", started_at="2026-11-20 17:02", made=5, kept=1, wall_s=204.2)
VOID = {"meta", "img", "input", "link", "br"}


class Page(HTMLParser):
    """Every element of a page with its attributes, and the visible text; fails on tags that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in ("script", "style"):
            self.text += data

    def all(self, tag: str, **having: str) -> list[dict[str, str]]:
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in having.items()}
        return [a for t, a in self.elements if t == tag and all(a.get(k) == v for k, v in wanted.items())]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[KitEntry], Path]:
    root = tmp_path_factory.mktemp("gallery")
    store = FolderStore(root / "storage")
    entries = sample_entries(store)
    for entry in entries:
        export_kit(entry.kit, store, root / "kits with space")
    write_gallery(entries, root / "kits with space", title="New listings", run=RUN)
    return entries, root / "kits with space"


@pytest.fixture(scope="module")
def page(made: tuple[list[KitEntry], Path]) -> Page:
    return Page((made[1] / "index.html").read_text(encoding="utf-8"))


def many(count: int, status: KitStatus = KitStatus.BLOCKED) -> list[KitEntry]:
    kit = blocked_charger()
    return [
        KitEntry(kit.model_copy(update={"sku": f"sku-{n}", "kit_id": f"id-{n}", "status": status}))
        for n in range(count)
    ]


def test_one_card_per_sku_with_its_status(made: tuple[list[KitEntry], Path], page: Page) -> None:
    cards = [a for a in page.all("article") if "card" in a["class"].split()]
    assert len(cards) == len(made[0])
    assert [c["data-group"] for c in cards] == ["ready", "ready", "deferred", "blocked", "failed", "ready"]
    for words in (
        "Ready for review",
        "待审核",
        "Blocked",
        "已拦截",
        "The photo is too small.",
        "图片分辨率过低",
    ):
        assert words in page.text
    assert "The daily cap of 50 images at wanx is used up" in page.text


def test_every_address_in_the_page_is_a_file_that_is_there(
    made: tuple[list[KitEntry], Path], page: Page
) -> None:
    out = made[1]
    (out / "summary.csv").touch()
    found = 0
    for tag, attributes in page.elements:
        shapes = json.loads(attributes.get("data-shapes", "[]"))
        for name, address in [
            *((name, attributes.get(name)) for name in ("src", "href", "poster")),
            *(("data-shapes", shape["url"]) for shape in shapes),
        ]:
            if not address or address.startswith(("#", "data:")):
                continue
            assert not re.match(r"[a-z]+:|//|/", address), (
                f"<{tag} {name}> leads out of the folder: {address}"
            )
            assert (out / unquote(address.split("#")[0])).is_file(), f"<{tag} {name}>: {address}"
            found += 1
    assert found > 60


def test_nothing_is_loaded_from_the_network(made: tuple[list[KitEntry], Path]) -> None:
    html = (made[1] / "index.html").read_text(encoding="utf-8")
    assert not re.findall(r"(?:https?:)?//[a-z0-9]", html.replace("<!--//", "")), "no address of another host"
    assert "@import" not in html
    assert "url(" not in html


def test_pictures_load_late_and_hold_their_place(page: Page) -> None:
    pictures = [a for a in page.all("img") if a.get("src")]
    assert len(pictures) > 12
    for picture in pictures:
        assert picture["loading"] == "lazy"
        assert int(picture["width"]) > 0
        assert int(picture["height"]) > 0
        assert picture["alt"]
        assert picture["data-zh"]


def test_videos_wait_for_a_person_and_show_a_still(page: Page) -> None:
    videos = page.all("video")
    assert len(videos) == 2
    for video in videos:
        assert (video["preload"], video["width"], video["height"]) == ("none", "1080", "1920")
        assert {"controls", "playsinline"} <= set(video)
        assert video["poster"].endswith(".webp")


def test_copy_carries_its_language_and_its_facts(page: Page) -> None:
    tabs = page.all("button", role="tab")
    assert [tab["lang"] for tab in tabs][:7] == ["en", "es", "fr", "pt", "ru", "de", "ja"]
    panels = {a["id"] for a in page.all("div", role="tabpanel")}
    assert {tab["aria-controls"] for tab in tabs} == panels
    assert page.all("p", class_="copy-title", lang="ja")
    for words in ("11 of 11 facts", "10 of 11 facts", "11 项信息中用到 10 项", "Left out: 加厚杯壁"):
        assert words in page.text
    assert "From templates, catalog facts only" in page.text
    assert "Written by a model, check before use" in page.text


def test_heading_sums_up_the_run(page: Page) -> None:
    counts = {a["data-filter"]: a for a in page.all("button") if "data-filter" in a}
    assert list(counts) == ["all", "ready", "blocked", "deferred", "failed"]
    for words in (
        "New listings",
        "products.csv",
        "5 made in this run, 1 already there",
        "3 min 24 s",
        "¥3.59",
        "¥5.82",
    ):
        assert words in page.text
    assert page.all("a", href="summary.csv")


def test_text_of_products_stays_text(made: tuple[list[KitEntry], Path], page: Page) -> None:
    html = (made[1] / "index.html").read_text(encoding="utf-8")
    assert "<script>document" not in html
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "<b>#1" not in html
    assert html.count("<!--/cards-->") == 1
    assert len(page.all("script")) == 2
    assert HOSTILE_TITLE in page.text
    styles = [a["data-style-zh"] for a in page.all("a") if "data-style-zh" in a]
    assert any("<script>" in style for style in styles), "attributes give back what the kit says"


def test_hostile_text_in_the_search_index_cannot_end_its_script(tmp_path: Path) -> None:
    odd = hostile(FolderStore(tmp_path / "storage"), paint_plainly)
    write_gallery([*many(60), KitEntry(odd)], tmp_path, title="</title><script>x</script>", run=None)
    first = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert len(first.all("script")) == 3
    assert len(first.all("title")) == 1


def test_long_runs_are_cut_into_pages_that_know_of_each_other(tmp_path: Path) -> None:
    assert write_gallery(iter(many(130)), tmp_path, title="Run", run=None) == tmp_path / "index.html"
    pages = [
        Page((tmp_path / f).read_text(encoding="utf-8"))
        for f in ("index.html", "index-2.html", "index-3.html")
    ]
    assert [len(p.all("article")) for p in pages] == [60, 60, 10]
    for number, one in enumerate(pages, start=1):
        links = [a for a in one.all("a") if a.get("href", "").startswith("index")]
        assert {"index.html", "index-2.html", "index-3.html"} <= {a["href"] for a in links}
        assert [a["aria-label"] for a in links if "aria-current" in a] == [f"Page {number}"]
        assert "130" in one.text
    assert '"url": "index-3.html#sku-sku-125"' in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert 'id="index"' not in (tmp_path / "index-2.html").read_text(encoding="utf-8")


def test_pages_of_a_larger_gallery_go_and_foreign_pages_stay(tmp_path: Path) -> None:
    write_gallery(many(130), tmp_path, title="Run", run=None)
    (tmp_path / "index-9.html").write_text("somebody else's page")
    write_gallery(many(61), tmp_path, title="Run", run=None)
    assert sorted(p.name for p in tmp_path.glob("*.html")) == ["index-2.html", "index-9.html", "index.html"]


def test_no_kits_make_a_page_that_says_so(tmp_path: Path) -> None:
    write_gallery([], tmp_path / "new", title="Run", run=None)
    empty = Page((tmp_path / "new" / "index.html").read_text(encoding="utf-8"))
    assert "No products in this run." in empty.text
    assert not empty.all("article")


def test_unchanged_cards_are_taken_over_and_changed_ones_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []

    def counting(entry: KitEntry) -> object:
        drawn.append(entry.kit.sku)
        return build_card(entry)

    monkeypatch.setattr(gallery, "build_card", counting)
    entries = [replace(entry, seconds=7.0) for entry in many(3)]
    write_gallery(entries, tmp_path, title="First", run=RUN)
    first = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert len(drawn) == 3

    write_gallery(many(3), tmp_path, title="Second", run=None)
    second = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert len(drawn) == 3, "nothing changed, nothing is drawn"
    assert "<h1>Second</h1>" in second
    assert "made in 7.0 s" in second, "the time it took stays known"
    cards = re.compile("<!--cards-->.*<!--/cards-->", re.DOTALL)
    assert cards.findall(first) == cards.findall(second)

    changed = many(3)
    changed[1] = KitEntry(
        changed[1].kit.model_copy(update={"kit_id": "id-new", "status": KitStatus.REJECTED})
    )
    write_gallery(changed, tmp_path, title="Third", run=None)
    assert len(drawn) == 6
    assert 'data-group="rejected"' in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_new_times_are_shown(tmp_path: Path) -> None:
    write_gallery([replace(many(1)[0], seconds=7.0)], tmp_path, title="Run", run=None)
    write_gallery([replace(many(1)[0], seconds=9.0)], tmp_path, title="Run", run=None)
    assert "made in 9.0 s" in (tmp_path / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("status", list(KitStatus))
def test_every_status_is_explained_in_both_languages(tmp_path: Path, status: KitStatus) -> None:
    write_gallery(many(1, status), tmp_path, title="Run", run=None)
    text = Page((tmp_path / "index.html").read_text(encoding="utf-8")).text
    for key in (f"status.{status}", f"explain.{status}"):
        assert say(key).en in text
        assert say(key).zh in text


def test_a_key_without_words_is_an_error() -> None:
    with pytest.raises(KeyError):
        say("status.unheard_of")


def test_parts_and_measures_are_named_for_people() -> None:
    assert part_words("image:scene:2").zh == "场景图 2"  # type: ignore[union-attr]
    assert part_words("copy:pt-BR").en == "Copy Português"  # type: ignore[union-attr]
    assert part_words("judge:copy:es") == Wording("Opinion on Copy Español", "评审意见：文案 Español")
    assert part_words("photos/07.jpg") is None
    assert measure_words("product_share_ratio", 0.852)[1].en == "85.2 %"
    assert measure_words("stretch_ratio", 1.004)[1].en == "× 1"
    assert measure_words("product_found", 1.0)[1].zh == "是"
    assert measure_words("edge_shift_px", 12345.0) == (
        Wording("Edge shift px", "Edge shift px"),
        Wording("12,345 px", "12,345 px"),
    )


def test_a_storyboard_is_told_in_both_languages(made: tuple[list[KitEntry], Path]) -> None:
    text = (made[1] / "index.html").read_text(encoding="utf-8")
    for entry in made[0]:
        for shot in (shot for video in entry.kit.videos for shot in video.storyboard):
            assert f'<span class="zh">{name_of("move", shot.move.value).zh}</span>' in text
            said = shot_words(shot)
            assert said is not None
            assert said.en == shot.note
            assert f'<span class="zh">{said.zh}</span>' in text


@pytest.mark.parametrize("move", Move)
def test_every_move_and_its_note_have_chinese_words(move: Move) -> None:
    assert re.search("[\u4e00-\u9fff]", name_of("move", move.value).zh)
    style = all_styles()[0]
    shot = Shot(number=1, style=style.id, move=move, duration_s=2.0)
    said = shot_words(shot.model_copy(update={"note": usual_note(move, style.id)}))
    assert said is not None
    assert said.en == usual_note(move, style.id)
    assert f"“{style.name_zh}”" in said.zh
    assert not re.search("[A-Za-z{}]", said.zh)
    assert shot_words(shot) is None


def test_the_note_of_a_provider_stays_as_it_was_written() -> None:
    shot = Shot(number=1, style="kitchen", move=Move.STILL, duration_s=2.0, note="Steam rises.")
    assert shot_words(shot) == Wording("Steam rises.", "Steam rises.")


def test_names_for_screen_readers_are_in_both_languages(page: Page) -> None:
    findings = page.all("section", class_="findings")
    assert findings
    assert {section["data-zh"] for section in findings} == {say("findings.heading").zh}


@pytest.mark.parametrize(
    ("subject", "zh"),
    [
        ("title (en)", "标题（en）"),
        ("selling point 3 (en)", "卖点 3（en）"),
        ("market JP", "市场 JP"),
        ("column attr.size", "“attr.size”列"),
        ("attribute 材质", "属性“材质”"),
        ("image:scene:1, image:scene:2", "场景图 1、场景图 2"),
        ("row 7, column 标题", "第 7 行，“标题”列"),
        ("row 7, column Size, colour", "第 7 行，“Size, colour”列"),
        ("style fast_fashion, market JP", "风格 fast_fashion、市场 JP"),
        ("copy:es bullet 2", "文案 Español，要点 2"),
        ("copy:pt-BR title", "文案 Português，标题"),
        ("image:scene:1, photos/07.jpg", "image:scene:1, photos/07.jpg"),
        ("image:scene:2", "场景图 2"),
        ("market stall.jpg and more", "market stall.jpg and more"),
        ("title.jpg", "title.jpg"),
    ],
)
def test_what_findings_are_about_is_said_in_chinese(subject: str, zh: str) -> None:
    assert subject_words(subject).zh == zh


def test_parts_are_called_the_same_one_by_one_and_together() -> None:
    assert subject_words("image:scene:1, image:scene:2").en == "Scene 1, Scene 2"
    assert subject_words("copy:es bullet 2").en == "Copy Español, bullet 2"
    for place in ("row 7, column 标题", "style fast_fashion, market JP"):
        assert subject_words(place).en == place
    assert part_words("image:scene:1, image:scene:2") is None


def test_of_a_kit_that_is_blocked_later_only_this_run_is_said_to_have_made_nothing(tmp_path: Path) -> None:
    """Its pictures, film and price stand beside the sentence."""
    made = sample_entries(FolderStore(tmp_path / "storage"))[0].kit
    blocked = KitEntry(made.model_copy(update={"status": KitStatus.BLOCKED}))
    write_gallery([blocked], tmp_path, title="Run", run=None)
    text = Page((tmp_path / "index.html").read_text(encoding="utf-8")).text
    assert "本次运行没有制作，也没有产生费用；之前已完成的内容会保留" in text
    assert "this run made nothing and spent nothing. What earlier runs made is kept." in text
    assert "nothing was" not in text


def test_every_measure_that_scores_judge_has_words() -> None:
    rules = [rule for of_kind in RULES_BY_KIND.values() for rule in of_kind]
    assert {rule.aspect for rule in rules} <= ASPECTS.keys()
    unnamed = {rule.measure for rule in rules if measure_words(rule.measure, 0.5)[0].zh.isascii()}
    assert unnamed <= {"fps"}


def test_scores_by_aspect_are_bars_and_measures_are_figures(made: tuple[list[KitEntry], Path]) -> None:
    picture = build_card(made[0][0]).pictures[1]
    assert [(meter.label.en, meter.value) for meter in picture.aspects] == [
        ("Same product", 95.0),
        ("Sharpness", 88.0),
    ]
    assert "98.4 %" in [value.en for _, value in picture.measures]


def test_a_decision_is_shown_though_the_kit_stays_the_same(tmp_path: Path) -> None:
    for status, group in ((KitStatus.NEEDS_REVIEW, "ready"), (KitStatus.REJECTED, "rejected")):
        write_gallery(many(1, status), tmp_path, title="Run", run=None)
        assert f'data-group="{group}"' in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_same_language_twice_is_told_apart(made: tuple[list[KitEntry], Path]) -> None:
    kit: Kit = made[0][0].kit
    brazil = kit.copy_[3].model_copy(update={"language": "pt-BR", "market": "BR"})
    tabs = build_card(KitEntry(kit.model_copy(update={"copy_": (kit.copy_[3], brazil)}))).tabs
    assert [tab.label for tab in tabs] == ["Português (aliexpress)", "Português (pt-BR · BR · aliexpress)"]


def test_the_cost_page_is_linked_where_there_is_one(tmp_path: Path) -> None:
    write_gallery([], tmp_path, title="t", run=None)
    assert not Page((tmp_path / "index.html").read_text(encoding="utf-8")).all("a", href="costs.html")
    (tmp_path / "costs.html").touch()
    write_gallery([], tmp_path, title="t", run=None)
    assert Page((tmp_path / "index.html").read_text(encoding="utf-8")).all("a", href="costs.html")


def test_files_with_a_visible_label_are_offered_beside_the_plain_ones(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "storage")
    plain = sample_entries(store)[0].kit
    kit = with_visible_labels(store, paint_plainly, plain)
    export_kit(kit, store, tmp_path / "kits")
    write_gallery([KitEntry(kit)], tmp_path / "kits", title="Labels", run=None)
    page = Page((tmp_path / "kits" / "index.html").read_text(encoding="utf-8"))
    thumbs = [json.loads(a["data-shapes"]) for a in page.all("a") if "data-shapes" in a]
    assert "labelledUrl" not in thumbs[0][0], "a main image bears no label"
    assert all("labelledUrl" in shape for shapes in thumbs[1:] for shape in shapes)
    told = [unquote(shape["labelledUrl"]) for shapes in thumbs[1:] for shape in shapes]
    film = page.all("video")[0]
    assert film["data-plain"] == film["src"]
    told.append(unquote(film["data-labelled"]))
    links = {unquote(a["href"]) for a in page.all("a") if "ai-label" in a.get("href", "")}
    assert set(told) == links, "the list of files holds each of them, also where no script runs"
    assert all((tmp_path / "kits" / file).is_file() for file in links)
    labelled = {named.file for image in kit.images for named in image.labelled}
    labelled |= {named.file for video in kit.videos for named in video.labelled}
    assert {Path(file).name for file in links} == labelled
    for words in ("The law of CN asks for a label", "CN 法规要求显示可见的 AI 标识", "AI label", "AI 标识"):
        assert words in page.text


def test_a_kit_without_labelled_files_says_nothing_of_them(page: Page) -> None:
    assert "AI label" not in page.text
    assert not page.all("button", data_ai="")
