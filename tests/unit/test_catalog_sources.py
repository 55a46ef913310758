"""What CATALOG means, names that people type, and photos that are links."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.order import read_order
from flows.wishes import Wishes
from skuflow.catalog.errors import CatalogError
from skuflow.catalog.name_match import ACCEPT, LEAD, SUGGEST, ranked
from skuflow.catalog.names import concept_sku, read_name
from skuflow.catalog.product import Product, ProductSource
from skuflow.catalog.readers import CatalogReading, read_catalog
from skuflow.catalog.remote_photos import (
    AT_ONCE_PER_HOST,
    HOST_PATIENCE,
    Fetch,
    NotDownloaded,
    download,
    kept_photo,
    with_kept_photos,
    with_local_photos,
)
from skuflow.catalog.sources import Shop, SourceKind, read_source, source_kind
from skuflow.fetching.errors import FetchError, Trouble
from skuflow.listing.assembly import blocked_kit
from skuflow.listing.brief import Brief
from skuflow.listing.findings import Severity
from skuflow.listing.planning import plan_kit
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import kit_key

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data stands beside the checkout")

JPEG = b"\xff\xd8\xff\xe0" + b"picture"
TITLES = {
    "MUG-1": "Reactive-Glaze Ceramic Mug 380 ml",
    "MUG-2": "Plain Ceramic Mug 250 ml",
    "TEL-1": "Starsense Explorer Refractor Telescope",
    "TEL-2": "Eclipsmart Travel Refractor Telescope",
    "JEANS-911": "911M regular fit jeans",
    "JEANS-990": "990M regular fit jeans",
    "灯-1": "清欢日式可调节台灯",
    "灯-2": "清欢日式可调节落地灯",
    "枕-1": "升级款护颈波浪记忆枕",
}


@pytest.fixture
def shop_catalog(tmp_path: Path) -> Path:
    path = tmp_path / "shop.csv"
    (tmp_path / "a.jpg").touch()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sku", "title", "images"])
        writer.writerows([sku, title, "a.jpg"] for sku, title in TITLES.items())
        writer.writerow(["BAD-1", "", "a.jpg"])
    return path


@pytest.fixture
def shop(tmp_path: Path, shop_catalog: Path) -> Shop:
    return Shop(tmp_path / "links", catalog=shop_catalog)


# --- dispatch ---


@pytest.mark.parametrize(
    ("catalog", "kind"),
    [
        ("https://shop.example/p/1", SourceKind.LINK),
        ("HTTP://shop.example", SourceKind.LINK),
        ("products.csv", SourceKind.FILE),
        ("PRODUCTS.XLSX", SourceKind.FILE),
        ("export.json", SourceKind.FILE),
        ("catalog.ods", SourceKind.FILE),
        ("some/where", SourceKind.FILE),
        ("some\\where", SourceKind.FILE),
        ("./mug", SourceKind.FILE),
        (".", SourceKind.FILE),
        ("steel mug", SourceKind.NAME),
        ("MUG-1", SourceKind.NAME),
        ("保温杯", SourceKind.NAME),
        ("Electric Kettle 1.7L", SourceKind.NAME),
        ("x" * 5000, SourceKind.NAME),
        ("nul\0byte", SourceKind.NAME),
    ],
)
def test_what_a_catalog_means(
    catalog: str, kind: SourceKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert source_kind(catalog) is kind


def test_what_exists_is_a_file_whatever_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert source_kind("mugs") is SourceKind.NAME
    (tmp_path / "mugs").mkdir()
    assert source_kind("mugs") is SourceKind.FILE


@pytest.mark.parametrize(
    ("catalog", "said"),
    [
        ("", "no catalog is named"),
        ("  \t", "no catalog is named"),
        ("ftp://shop.example/p.csv", "only http and https"),
        ("file:///etc/passwd", "only http and https"),
        ("javascript://x", "only http and https"),
        ("gone.csv", "no such file"),
        ("gone/folder", "no such file"),
        ("a\0b.csv", "no such file"),
        ("y" * 5000 + ".csv", "no such file"),
        ("---", "no product name"),
        ("x" * 201, "no product name"),
        ("\u202e\u200b", "no product name"),
    ],
)
def test_what_is_no_catalog_at_all(catalog: str, said: str, shop: Shop) -> None:
    with pytest.raises(CatalogError, match=said) as caught:
        read_source(catalog, shop)
    assert len(str(caught.value)) < 400


def test_a_path_is_always_a_file(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no such file"):
        read_order(tmp_path / "mug", Wishes(), shop=Shop(tmp_path))


def test_a_link_is_asked_once_in_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(JPEG)
    asked: list[tuple[str, Path, bool]] = []

    def read_link(address: str, folder: Path, *, allow_loopback: bool = False) -> CatalogReading:
        asked.append((address, folder, allow_loopback))
        mug = product("MUG", str(photo))
        return CatalogReading((mug,), (), (), (), {"MUG": ()}, address, folder)

    monkeypatch.setattr("skuflow.catalog.links.read_link", read_link)
    shop = Shop(tmp_path / "links", allow_loopback=True)
    address = "https://shop.example/p/1"
    assert [read_source(address, shop).products[0].sku for _ in range(2)] == ["MUG", "MUG"]
    assert asked == [(address, tmp_path / "links", True)]
    order = read_order(address, Wishes(), shop=shop)
    assert (order.catalog, [p.sku for p in order.products], len(asked)) == (address, ["MUG"], 1)
    read_source(address, Shop(tmp_path / "links"))
    assert asked[1][2] is False, "what may be asked is part of the question"
    photo.unlink()
    read_source(address, Shop(tmp_path / "links"))
    assert len(asked) == 3, "photos that are gone are fetched again"


# --- names ---


@pytest.mark.parametrize(
    ("name", "sku"),
    [
        ("MUG-1", "MUG-1"),
        (" mug-2 ", "MUG-2"),
        ("Starsense Explorer Refractor Telescope", "TEL-1"),
        ("starsense  EXPLORER refractor-telescope!", "TEL-1"),
        ("telescope refractor explorer starsense", "TEL-1"),
        ("starsense telescope", "TEL-1"),
        ("Starsens Exploer Refractor Telescop", "TEL-1"),
        ("eclipsmart", "TEL-2"),
        ("reactive glaze mug", "MUG-1"),
        ("911M jeans", "JEANS-911"),
        ("台灯", "灯-1"),
        ("清欢日式可调节落地灯", "灯-2"),
        ("日式清欢落地灯", "灯-2"),
        ("记忆枕", "枕-1"),
        ("升级款波浪护颈记忆枕", "枕-1"),
    ],
)
def test_a_name_finds_its_product(name: str, sku: str, shop: Shop) -> None:
    reading = read_name(name, shop)
    assert [product.sku for product in reading.products] == [sku]
    (told,) = reading.loose_findings
    assert (told.code, told.severity, told.subject) == ("NAME_MATCHED", Severity.INFO, sku)
    assert told.measured is not None
    assert float(told.measured.removesuffix(" %")) >= ACCEPT
    assert reading.findings_by_sku[sku] == (), "its kit is the same however it was asked for"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("refractor telescope", ("TEL-1", "TEL-2")),
        ("ceramic mug", ("MUG-1", "MUG-2")),
        ("regular fit jeans", ("JEANS-911", "JEANS-990")),
        ("912M regular fit jeans", ("JEANS-911", "JEANS-990")),
        ("清欢日式可调节", ("灯-1", "灯-2")),
        ("清欢日式可调节吊灯", ("灯-1", "灯-2")),
    ],
)
def test_several_that_fit_are_a_question(name: str, shown: tuple[str, ...], shop: Shop) -> None:
    with pytest.raises(CatalogError, match=r"or the SKU \(form: skus, command line: --sku\)") as caught:
        read_name(name, shop)
    assert all(f"{sku} ({TITLES[sku]})" in str(caught.value) for sku in shown)
    assert str(caught.value).count(" (") <= 5 + 1


def test_sku_chooses_among_several(shop: Shop) -> None:
    reading = read_name("ceramic mug", shop, ["MUG-2"])
    assert [product.sku for product in reading.products] == ["MUG-2"]
    order = read_order("ceramic mug", Wishes(skus=["MUG-2"]), shop=shop)
    assert [product.sku for product in order.products] == ["MUG-2"]
    assert order.catalog == "ceramic mug"


def test_the_same_title_twice_is_a_question(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    path = tmp_path / "shop.csv"
    path.write_text("sku,title,images\nA,Mug,a.jpg\nB,Mug,a.jpg\n")
    with pytest.raises(CatalogError, match=r"A \(Mug\); B \(Mug\)"):
        read_name("mug", Shop(tmp_path, catalog=path))
    assert read_name("b", Shop(tmp_path, catalog=path)).products[0].sku == "B"


def test_a_refused_row_is_found_by_its_sku(shop: Shop) -> None:
    reading = read_name("BAD-1", shop)
    assert [row.sku for row in reading.rejected] == ["BAD-1"]
    assert "ROW_NO_TITLE" in {finding.code for finding in reading.findings_by_sku["BAD-1"]}


def test_nothing_like_it_says_what_to_do(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="none is like it") as caught:
        read_name("garden hose", shop)
    assert "image provider" in str(caught.value)
    with pytest.raises(CatalogError, match="no SKUFLOW_CATALOG is set"):
        read_name("garden hose", Shop(tmp_path))
    with pytest.raises(CatalogError, match=r"SKUFLOW_CATALOG: .*no such file"):
        read_name("garden hose", Shop(tmp_path, catalog=tmp_path / "gone.csv"))


def test_a_name_becomes_a_concept_where_somebody_draws_from_words(shop: Shop, tmp_path: Path) -> None:
    asked: list[None] = []

    def makes_concepts() -> bool:
        asked.append(None)
        return True

    able = Shop(tmp_path, catalog=shop.catalog, makes_concepts=makes_concepts)
    assert read_name("MUG-1", able).products[0].sku == "MUG-1"
    assert asked == [], "nobody is asked for a product that is known"
    reading = read_name("Garden hose with reel", able)
    (product,) = reading.products
    assert product.sku == concept_sku("garden hose with reel")
    assert product.sku.startswith("concept-garden-hose-with-reel-")
    assert (product.titles, product.images) == ({"en": "Garden hose with reel"}, ())
    assert product.extras.concept == "Garden hose with reel"
    (told,) = reading.findings_by_sku[product.sku]
    assert (told.code, told.severity) == ("NAME_CONCEPT", Severity.WARNING)
    assert told.message_zh
    plan = plan_kit(product, Brief(), reading.findings_by_sku[product.sku])
    assert (plan.main, plan.scenes, plan.videos) == (None, (), ())
    assert [slot.role for slot in plan.image_slots] == ["image:concept"]


def test_a_name_is_found_among_kits_made_before(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "storage")
    source = ProductSource(catalog="old.csv", row=1)
    photo = tmp_path / "gone.jpg"
    for sku, title in (("K-1", "Walnut Desk Clock"), (concept_sku("Idea lamp"), "Idea lamp")):
        product = Product(sku=sku, titles={"en": title}, images=(str(photo),), source=source)
        kit = blocked_kit(product, ())
        store.put(kit_key(sku), kit.model_dump_json(by_alias=True).encode(), "application/json")
    store.put("photos/K-1/abc.jpg", JPEG, "image/jpeg")
    store.put("cutouts/K-1/abc-v1.png", b"", "image/png")
    store.put("photos/K-1/aaa-person.jpg", JPEG, "image/jpeg")
    store.put("kits/broken/kit.json", b"{", "application/json")
    store.put("kits/old/kit.json", b'{"product": {"sku": ""}}', "application/json")
    shop = Shop(tmp_path, store=store)
    product = read_name("walnut clock", shop).products[0]
    assert product.sku == "K-1"
    assert product.images == (str(store.local_path("photos/K-1/abc.jpg")),), "storage keeps what was used"
    with pytest.raises(CatalogError, match="no product is called"):
        read_name("Idea lamp", shop)


def test_the_catalog_knows_better_than_old_kits(shop: Shop, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "storage")
    old = Product(sku="MUG-1", titles={"en": "Old title"}, source=ProductSource(catalog="old.csv"))
    kit = blocked_kit(old, ()).model_dump_json(by_alias=True)
    store.put(kit_key("MUG-1"), kit.encode(), "application/json")
    found = read_name("MUG-1", Shop(tmp_path, catalog=shop.catalog, store=store)).products[0]
    assert found.title == TITLES["MUG-1"]


def _swapped(title: str) -> str:
    middle = len(title) // 2
    return title[: middle - 1] + title[middle] + title[middle - 1] + title[middle + 1 :]


def _turned(title: str) -> str:
    words = title.split()
    return (
        " ".join(reversed(words)) if len(words) > 1 else title[len(title) // 2 :] + title[: len(title) // 2]
    )


def _shortened(title: str) -> str:
    words = title.split()
    return " ".join(words[1:]) if len(words) > 2 else title[: max(3, len(title) * 6 // 10)]


def _decision(name: str, titles: dict[str, tuple[str, ...]]) -> str | None:
    """The SKU that would be taken; None where a person is asked or nothing is like it."""
    (best, score), *others = ranked(name, titles)
    second = others[0][1] if others else 0.0
    certain = score >= 100.0 > second or (score >= ACCEPT and score - second >= LEAD)
    return best if certain else None


@pytest.mark.shared_data
@needs_shared
@pytest.mark.parametrize(
    ("catalog", "every", "least_found"),
    [("products.csv", 1, (40, 36, 34, 30)), ("catalog/litemall-zh/products.csv", 4, (60, 54, 42, 38))],
)
def test_names_of_real_catalogs_are_found_and_never_taken_for_others(
    catalog: str, every: int, least_found: tuple[int, ...]
) -> None:
    products = read_catalog(SHARED / "data" / catalog).products
    titles = {product.sku: tuple(product.titles.values()) for product in products}
    asked = products[::every]
    changes: tuple[Callable[[str], str], ...] = (str, _swapped, _turned, _shortened)
    for change, least in zip(changes, least_found, strict=True):
        taken = [(_decision(change(product.title), titles), product) for product in asked]
        wrong = [
            (change(product.title), sku)
            for sku, product in taken
            # A part of a title that is another product's whole title means that one.
            if sku is not None and sku != product.sku and titles[sku] != (change(product.title),)
        ]
        assert wrong == []
        assert sum(sku == product.sku for sku, product in taken) >= least, change


@pytest.mark.shared_data
@needs_shared
def test_names_of_another_shop_are_like_nothing() -> None:
    data = SHARED / "data"
    ours = {p.sku: tuple(p.titles.values()) for p in read_catalog(data / "products.csv").products}
    theirs = read_catalog(data / "catalog" / "litemall-zh" / "products.csv").products
    assert max(ranked(product.title, ours)[0][1] for product in theirs[::3]) < SUGGEST


# --- photos that are links ---


def product(sku: str, *images: str) -> Product:
    return Product(sku=sku, titles={"en": "Mug"}, images=images, source=ProductSource(catalog="c", row=3))


def answering(answers: dict[str, bytes | Trouble], asked: list[str]) -> Fetch:
    async def fetch(address: str) -> bytes:
        asked.append(address)
        answer = answers.get(address, Trouble.STATUS)
        if isinstance(answer, Trouble):
            raise FetchError(answer, "answered with HTTP 404", 404)
        return answer

    return fetch


def silent(line: str) -> None:
    """Nobody listens."""


A, B, C = (f"https://cdn.shop.example/{name}" for name in ("a.png?sig=secret", "b.jpg", "c.jpg"))


def test_photos_are_downloaded_once_and_kept_by_address(tmp_path: Path) -> None:
    asked: list[str] = []
    said: list[str] = []
    fetch = answering({A: JPEG, B: JPEG}, asked)
    local = with_local_photos(
        [product("P", A, "/x/own.jpg", B), product("Q", B)], tmp_path, fetch, said.append
    )
    first, second = local.products
    assert [Path(image).read_bytes() for image in (first.images[0], first.images[2])] == [JPEG, JPEG]
    assert first.images[0].endswith(".jpg"), "named by what it is, not by what the address says"
    assert first.images[1] == "/x/own.jpg"
    assert second.images == (first.images[2],)
    assert sorted(asked) == sorted([A, B]), "each address once"
    assert said == ["downloading 2 photos (0 are there already) ..."]
    with_local_photos([product("P", A, B)], tmp_path, fetch, silent)
    assert len(asked) == 2
    assert with_kept_photos([product("P", A, C)], tmp_path)[0].images == (first.images[0], C)
    assert not list(tmp_path.glob(".writing-*"))


def test_a_photo_that_cannot_be_had_is_told_and_left_out(tmp_path: Path) -> None:
    fetch = answering({A: b"<html>no</html>", B: JPEG}, [])
    local = with_local_photos([product("P", A, B, C), product("Q", A)], tmp_path, fetch, silent)
    assert [(p.sku, len(p.images)) for p in local.products] == [("P", 1)]
    assert [finding.code for finding in local.findings["P"]] == ["PHOTO_NOT_DOWNLOADED"] * 2
    assert all("secret" not in finding.model_dump_json() for finding in local.findings["P"])
    assert {finding.severity for finding in local.findings["P"]} == {Severity.WARNING}
    (refused,) = local.rejected
    assert (refused.sku, refused.row) == ("Q", 3)
    assert [(finding.code, finding.severity) for finding in refused.findings] == [
        ("PHOTO_NOT_DOWNLOADED", Severity.ERROR)
    ]
    assert all(finding.message_zh for finding in refused.findings)


def test_a_host_that_is_silent_is_not_asked_hundreds_of_times(tmp_path: Path) -> None:
    asked: list[str] = []
    dead = [f"https://dead.example/{number}.jpg" for number in range(200)]
    answers: dict[str, bytes | Trouble] = {**dict.fromkeys(dead, Trouble.UNREACHABLE), B: JPEG}
    had = download([*dead, B], tmp_path, answering(answers, asked), silent)
    assert isinstance(had[B], Path)
    assert all(isinstance(had[address], NotDownloaded) for address in dead)
    assert HOST_PATIENCE <= len(asked) - 1 < HOST_PATIENCE + AT_ONCE_PER_HOST


def test_downloads_are_bounded_at_a_host(tmp_path: Path) -> None:
    import asyncio

    busy = most = 0

    async def fetch(address: str) -> bytes:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0)
        busy -= 1
        return JPEG

    download([f"https://one.example/{n}.jpg" for n in range(40)], tmp_path, fetch, silent)
    assert most == AT_ONCE_PER_HOST


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    had = download([B], tmp_path / "file" / "photos", answering({B: JPEG}, []), silent)
    why = had[B]
    assert isinstance(why, NotDownloaded)
    assert "cannot be saved" in why.reason


def test_an_order_downloads_only_for_the_skus_that_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.csv"
    path.write_text(f"sku,title,images\nP,Mug,{A}\nQ,Mug,{B}\nR,Mug,{C}\n")
    asked: list[str] = []
    monkeypatch.setattr(
        "skuflow.catalog.remote_photos.web_fetch",
        lambda *, allow_loopback: answering({A: JPEG, B: JPEG}, asked),
    )
    shop = Shop(tmp_path / "links")
    planned = read_order(str(path), Wishes(), shop=shop)
    assert (asked, [p.images for p in planned.products]) == ([], [(A,), (B,), (C,)])
    order = read_order(str(path), Wishes(skus=["P"]), shop=shop, downloads=silent)
    assert asked == [A]
    assert order.products[0].images == (str(kept_photo(A, tmp_path / "links" / "photos")),)
    everything = read_order(str(path), Wishes(), shop=shop, downloads=silent)
    assert asked == [A, B, C]
    assert [p.sku for p in everything.products] == ["P", "Q"]
    (refused,) = everything.rejected
    assert [finding.code for finding in refused.findings] == [
        "PHOTO_REMOTE",
        "PHOTO_NOT_DOWNLOADED",
    ]
    assert everything.findings["R"] == refused.findings
    assert everything.skus == ("P", "Q", "R")


def test_photos_of_one_host_are_missed_in_one_sentence(tmp_path: Path) -> None:
    dead = [f"https://dead.example/shop/{name}.jpg?sig=secret" for name in "abcde"]
    other = "https://cdn.shop.example/x.jpg"
    answers: dict[str, bytes | Trouble] = {
        **dict.fromkeys(dead, Trouble.TIMEOUT),
        other: Trouble.STATUS,
        B: JPEG,
    }
    local = with_local_photos([product("P", *dead, other, B)], tmp_path, answering(answers, []), silent)
    first, second = local.findings["P"]
    assert first.subject == "dead.example"
    assert first.measured == "5"
    assert first.message.startswith(
        "5 photos (a.jpg, b.jpg, c.jpg, ...) of dead.example cannot be downloaded: "
    )
    assert first.message.count("dead.example") == 1
    assert "dead.example 的 5 张图片（a.jpg, b.jpg, c.jpg 等）" in first.message_zh
    assert second.message.startswith("photo x.jpg of cdn.shop.example cannot be downloaded: ")
    assert "secret" not in first.model_dump_json()


def test_causes_at_one_host_are_told_apart(tmp_path: Path) -> None:
    answers: dict[str, bytes | Trouble] = {B: b"<html>", C: Trouble.STATUS}
    local = with_local_photos([product("P", B, C)], tmp_path, answering(answers, []), silent)
    reasons = [finding.message.partition(": ")[2].partition(";")[0] for finding in local.findings["P"]]
    assert reasons[0] == "what lies there is no picture"
    assert reasons[1].startswith("the host answers HTTP")


def test_every_trouble_has_its_words_in_both_languages() -> None:
    from skuflow.catalog.remote_photos import _REASONS

    assert set(_REASONS) == set(Trouble)


def test_a_catalog_of_refused_rows_is_read_so_that_each_is_told(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("sku,title,images\nA,Mug,gone.jpg\nB,,gone.jpg\n")
    order = read_order(str(path), Wishes(), shop=Shop(tmp_path / "links"))
    assert (order.products, [row.sku for row in order.rejected]) == ((), ["A", "B"])
    path.write_text("sku,title,images\n,Mug,gone.jpg\n")
    with pytest.raises(CatalogError, match="none of its 1 rows"):
        read_order(str(path), Wishes(), shop=Shop(tmp_path / "links"))
