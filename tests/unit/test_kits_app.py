"""Kits over HTTP: to whoever shows the token, and nothing but kit.json and the files that it names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from deployments.events.app import from_settings
from deployments.kits.app import LINK_VALID_S, MAX_SKU_CHARS, kits_router
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import asset_key, attempts_key, kit_key, sku_slug
from skuflow.storage.objects import ObjectStore, StorageError

TOKEN = "kits-token-1"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PICTURE = asset_key("mug-1", "image:main:1", "1600x1600", "ab" * 32, "jpg")
VIDEO = asset_key("mug-1", "video:1", "video", "cd" * 32, "mp4")


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    store = FolderStore(tmp_path / "storage")
    store.put(kit_key("mug-1"), b'{"sku": "mug-1"}', "application/json")
    store.put(kit_key("A/1 红"), '{"sku": "A/1 红"}'.encode(), "application/json")
    store.put(attempts_key("mug-1"), b"{}", "application/json")
    store.put(PICTURE, b"\xff\xd8picture", "image/jpeg")
    store.put(VIDEO, b"0123456789", "video/mp4")
    store.put("photos/mug-1/secret-abababab.jpg", b"a photo", "image/jpeg")
    store.put("kits/kit.json", b"not of a SKU", "application/json")
    (tmp_path / "outside-abababab.jpg").write_bytes(b"outside")
    return store


@pytest.fixture
async def asking(store: FolderStore) -> AsyncIterator[httpx.AsyncClient]:
    async with asker(store) as client:
        yield client


def asker(store: ObjectStore) -> httpx.AsyncClient:
    app = FastAPI(openapi_url=None)
    app.include_router(kits_router(store, TOKEN))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://receiver", headers=BEARER
    )


@pytest.mark.parametrize("path", ["/kits/mug-1/kit.json", f"/{PICTURE}", "/kits/none/kit.json"])
@pytest.mark.parametrize(
    "shown", ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN]
)
async def test_strangers_get_nothing(store: FolderStore, path: str, shown: str) -> None:
    async with asker(store) as client:
        client.headers["Authorization"] = shown
        reply = await client.get(path)
    assert reply.status_code == 401
    assert "SKUFLOW_KITS_TOKEN" in reply.json()["detail"]


def test_without_a_token_there_is_no_serving(store: FolderStore) -> None:
    with pytest.raises(ValueError, match="token"):
        kits_router(store, "")


@pytest.mark.parametrize("sku", ["mug-1", "A/1 红", sku_slug("A/1 红")])
async def test_a_kit_is_had_by_its_sku_or_its_folders_name(asking: httpx.AsyncClient, sku: str) -> None:
    reply = await asking.get(f"/kits/{quote(sku, safe='')}/kit.json")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.json()["sku"] == {sku_slug("A/1 红"): "A/1 红"}.get(sku, sku)


async def test_an_unchanged_kit_is_not_sent_again(asking: httpx.AsyncClient, store: FolderStore) -> None:
    etag = (await asking.get("/kits/mug-1/kit.json")).headers["etag"]
    for asked in (etag, f'W/{etag}, "other"'):
        again = await asking.get("/kits/mug-1/kit.json", headers={"If-None-Match": asked})
        assert (again.status_code, again.content) == (304, b"")
    store.put(kit_key("mug-1"), b'{"sku": "mug-1", "n": 2}', "application/json")
    changed = await asking.get("/kits/mug-1/kit.json", headers={"If-None-Match": etag})
    assert (changed.status_code, changed.json()["n"]) == (200, 2)


async def test_files_come_whole_and_in_ranges(asking: httpx.AsyncClient) -> None:
    whole = await asking.get(f"/{PICTURE}")
    assert (whole.status_code, whole.content) == (200, b"\xff\xd8picture")
    assert whole.headers["content-type"] == "image/jpeg"
    assert "immutable" in whole.headers["cache-control"]
    part = await asking.get(f"/{VIDEO}", headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")


@pytest.mark.parametrize(
    "path",
    [
        "/kits/mug-1/attempts.json",
        "/kits/kit.json",
        "/kits//kit.json",
        "/kits/%20/kit.json",
        f"/kits/{'s' * (MAX_SKU_CHARS + 1)}/kit.json",
        "/kits/none/kit.json",
        "/kits/mug-1/image-main-1-1600x1600-00000000.jpg",
        "/kits/mug-1/",
        "/photos/mug-1/secret-abababab.jpg",
        "/kits/..%2Fphotos%2Fmug-1/secret-abababab.jpg",
        "/kits/%2E%2E/photos/mug-1/secret-abababab.jpg",
        "/kits/mug-1/..%2F..%2F..%2Foutside-abababab.jpg",
        "/kits/mug-1/..%5C..%5Coutside-abababab.jpg",
        "/kits/mug-1/.-abababab.jpg",
        "/kits/mug-1/a%00-abababab.jpg",
        "/kits/mug-1/image-main-1-1600x1600-abababab.jpg%0A",
        "/kits/mug-1/%EF%BC%8E-abababab.jpg",
        f"/kits/mug-1/{'a' * 300}-abababab.jpg",
        "/kits/" + "../" * 6 + "etc/passwd",
    ],
)
async def test_nothing_else_is_served(asking: httpx.AsyncClient, path: str) -> None:
    reply = await asking.send(httpx.Request("GET", httpx.URL("http://receiver" + path), headers=BEARER))
    assert reply.status_code == 404, reply.content
    assert b"outside" not in reply.content
    assert b"a photo" not in reply.content


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_nothing_can_be_changed(asking: httpx.AsyncClient, store: FolderStore, method: str) -> None:
    assert (await asking.request(method, "/kits/mug-1/kit.json")).status_code == 405
    assert store.get(kit_key("mug-1")) == b'{"sku": "mug-1"}'


class Bucket:
    """A store that is no folder: its files are had from elsewhere by a signed link."""

    def __init__(self, of: FolderStore) -> None:
        self.of = of

    def exists(self, key: str) -> bool:
        return self.of.exists(key)

    def url(self, key: str, valid_s: int = 3600) -> str:
        return f"https://bucket.example/{key}?valid={valid_s}"

    def get(self, key: str) -> bytes:
        raise StorageError(f"the bucket at {self.of.root} does not answer")


async def test_files_of_a_bucket_are_had_by_a_signed_link(store: FolderStore) -> None:
    async with asker(Bucket(store)) as client:  # type: ignore[arg-type]  # only what is asked of it
        there = await client.get(f"/{PICTURE}")
        gone = await client.get("/kits/mug-1/image-main-1-1600x1600-00000000.jpg")
    assert there.status_code == 307
    assert there.headers["location"] == f"https://bucket.example/{PICTURE}?valid={LINK_VALID_S}"
    assert there.headers["cache-control"] == "no-store"
    assert gone.status_code == 404


async def test_a_storage_that_is_away_is_told_without_its_place(store: FolderStore) -> None:
    async with asker(Bucket(store)) as client:  # type: ignore[arg-type]  # only what is asked of it
        reply = await client.get("/kits/mug-1/kit.json")
    assert reply.status_code == 503
    assert reply.headers["retry-after"] == "5"
    assert str(store.root) not in reply.text


async def test_the_receiver_serves_kits_where_a_token_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SKUFLOW_HOME", str(tmp_path))
    for token, status in (("", 404), (TOKEN, 200)):
        monkeypatch.setenv("SKUFLOW_KITS_TOKEN", token)
        monkeypatch.setenv("SKUFLOW_STORAGE", f"file:{tmp_path / 'storage'}")
        FolderStore(tmp_path / "storage").put(kit_key("mug-1"), b"{}", "application/json")
        transport = httpx.ASGITransport(app=from_settings(), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://receiver", headers=BEARER
        ) as client:
            assert (await client.get("/kits/mug-1/kit.json")).status_code == status
