"""Which of several folders a SKU is made of, and when what is left over is tried again."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.arrived_order import ArrivedOrder, order_of, waits_for_midnight
from flows.wishes import Wishes
from skuflow.catalog.arrivals.listing import list_folder
from skuflow.catalog.arrivals.reading import read_folder, skus_in
from skuflow.catalog.product import Product, ProductSource
from skuflow.catalog.sources import Shop
from skuflow.ledger.ledger import utc_now
from skuflow.listing.assembly import kit_json
from skuflow.listing.kit import Kit, KitStatus
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import kit_key
from skuflow.storage.objects import StorageError
from tests.emulated_oss import oss_store

CAP = "image:scene:1: CAP_REACHED: 50 of 50 are used; until midnight"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "storage")


def land(store: FolderStore, folder: str, *rows: str) -> None:
    table = "\n".join(["sku,title_en,images", *rows])
    store.put(f"incoming/{folder}/rows.csv", table.encode(), "text/csv")
    store.put(f"incoming/{folder}/a.jpg", b"\xff\xd8\xff not looked into", "image/jpeg")


def ordered(store: FolderStore, tmp_path: Path, *folders: str) -> ArrivedOrder:
    def no_web(*_: object) -> bytes:
        raise AssertionError("nothing is downloaded here")

    read = [read_folder(list_folder(store, one, utc_now()), store, tmp_path) for one in folders]
    return order_of(
        read,
        Wishes(),
        run_id="r",
        judged=False,
        shop=Shop(tmp_path / "links"),
        store=store,
        landed_lately=lambda _: True,
        fetch=no_web,  # type: ignore[arg-type]  # never called
        say=print,
    )


def made_before(store: FolderStore, sku: str, folder: str, title: str) -> None:
    product = Product(
        sku=sku, titles={"en": title}, source=ProductSource(catalog=f"incoming/{folder}/rows.csv")
    )
    kit = Kit(sku=sku, kit_id="k", created_at="", status=KitStatus.NEEDS_REVIEW, product=product, parts=())
    store.put(kit_key(sku), kit_json(kit), "application/json")


def test_a_sku_that_another_folder_still_has_with_other_facts_is_a_conflict(
    store: FolderStore, tmp_path: Path
) -> None:
    land(store, "today", "X,Mug,a.jpg")
    land(store, "x-fix", "X,Blue mug,a.jpg")
    made_before(store, "X", "today", "Mug")
    assert ordered(store, tmp_path, "x-fix").conflicts == {"x-fix": {"X": "today"}}


def test_a_sku_that_the_other_folder_no_longer_has_is_made(store: FolderStore, tmp_path: Path) -> None:
    land(store, "today", "Y,Lamp,a.jpg")
    land(store, "x-fix", "X,Blue mug,a.jpg")
    made_before(store, "X", "today", "Mug")
    arrived = ordered(store, tmp_path, "x-fix")
    assert arrived.conflicts == {}
    assert arrived.order.skus == ("X",)
    assert not [found for found in arrived.order.findings["X"] if found.code == "ARRIVAL_SKU_MOVED"]


def test_what_a_folder_names_is_read_whatever_stands_there(store: FolderStore) -> None:
    land(store, "two", "X,Mug,a.jpg", "Y,,a.jpg")
    assert skus_in(store, "two") == {"X", "Y"}
    store.put("incoming/noise/rows.csv", bytes(range(256)), "text/csv")
    assert skus_in(store, "noise") == skus_in(store, "nothing") == frozenset()


def test_other_photo_links_are_another_product(store: FolderStore, tmp_path: Path) -> None:
    def linked(name: str) -> str:
        return f"X,Mug,https://shop.example/{name}.jpg"

    land(store, "a", linked("one"))
    land(store, "b", linked("one"))
    land(store, "c", linked("two"))
    with pytest.raises(AssertionError, match="nothing is downloaded"):
        ordered(store, tmp_path, "a")
    folders = [read_folder(list_folder(store, one, utc_now()), store, tmp_path) for one in "abc"]
    from flows.arrived_order import _same

    (one,), (same,), (other,) = (folder.products for folder in folders)
    assert _same(one, same)
    assert not _same(one, other)


@pytest.mark.parametrize(
    ("troubles", "waits"),
    [
        ((CAP,), True),
        ((CAP, "video:1: VIDEO_WAITS: it is made from the scenes; image:scene:1 waits"), True),
        ((CAP, "video:1: still in work"), False),
        (("video:1: VIDEO_WAITS: it is made from the scenes; image:scene:1 failed",), False),
        ((), False),
    ],
)
def test_what_waits_for_a_cap_waits_for_midnight(troubles: tuple[str, ...], waits: bool) -> None:
    assert waits_for_midnight(troubles) is waits


def test_a_photo_that_is_put_again_while_the_folder_is_read_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with oss_store() as (_, store):
        land(store, "a", "X,Mug,a.jpg")  # type: ignore[arg-type]  # a store as well
        usual = store.get

        def overtaken(key: str) -> bytes:
            if key.endswith(".jpg"):
                store.put(key, b"\xff\xd8\xff another one", "image/jpeg")
            return usual(key)

        listing = list_folder(store, "a", utc_now())
        monkeypatch.setattr(store, "get", overtaken)
        with pytest.raises(StorageError, match="changed while it was read"):
            read_folder(listing, store, tmp_path / "copies")
        monkeypatch.undo()
        store.put("incoming/a/a.jpg", b"\xff\xd8\xff not looked into", "image/jpeg")
        (product,) = read_folder(listing, store, tmp_path / "copies").products
        assert Path(product.images[0]).read_bytes() == b"\xff\xd8\xff not looked into"
