"""A kit from vendors whose storage is OSS: nothing is kept on this machine, and vendors fetch what they are given."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from flows.new_listings import new_listings
from flows.wishes import Wishes
from providers.emulators.oss.emulator import OssEmulator
from skuflow.listing.brief import Stage
from skuflow.listing.kit import Kit, KitStatus, PartState
from skuflow.review.export import export_kit
from skuflow.storage.keys import kit_key
from tasks.wiring import Wiring
from tests.flows.conftest import MUG, Scenes
from tests.flows.emulated import Vendors, emulated

pytestmark = pytest.mark.usefixtures("prefect_server")

WISHES = Wishes(stages=[Stage.IMAGES, Stage.VIDEO], languages=["en"])
PROVIDERS = "image=wanx;video=kling"


async def test_a_kit_is_made_in_oss(
    make_catalog: Callable[..., Path],
    make_wiring: Callable[..., Wiring],
    scenes: Scenes,
    tmp_path: Path,
) -> None:
    scenes(1)
    path = make_catalog(MUG)
    with emulated("dashscope", "kling", "oss") as vendors:
        oss = vendors["oss"]
        assert isinstance(oss, OssEmulator)
        wiring = make_wiring(**vendors.settings(PROVIDERS))
        report = (await new_listings(str(path), WISHES)).kits[0]
        kit = report.kit
        assert kit is not None, report.reasons
        made = [part.part for part in kit.parts if part.state is PartState.MADE]
        assert made == ["image:main:1", "image:scene:1", "video:1"], report.reasons
        assert report.status == KitStatus.NEEDS_REVIEW
        assert [image.provider for image in kit.images] == ["offline", "wanx"]
        assert [video.provider for video in kit.videos] == ["kling"]
        _everything_is_in_the_bucket(kit, oss, wiring, tmp_path)
        _the_vendor_was_given_a_signed_address(vendors, oss)
        await _again_asks_nobody(path, vendors)
        await asyncio.to_thread(_the_kit_can_be_exported, kit, wiring, tmp_path / "out")
        _no_secret_is_kept(kit, oss, wiring, tmp_path)


def _everything_is_in_the_bucket(kit: Kit, oss: OssEmulator, wiring: Wiring, tmp_path: Path) -> None:
    names = {key.removeprefix("shop/") for key in oss.bucket.keys}
    assert all(key.startswith("shop/") for key in oss.bucket.keys)
    assert kit_key("mug-1") in names
    assert {f"kits/mug-1/{named.file}" for named in kit.files} <= names
    assert any(name.startswith("photos/mug-1/") for name in names)
    assert any(name.startswith("cutouts/mug-1/") for name in names)
    for named in kit.files:
        data = wiring.store.get(f"kits/mug-1/{named.file}")
        assert hashlib.sha256(data).hexdigest() == named.sha256
    assert not oss.bucket.uploads
    assert not (wiring.settings.skuflow_home / "storage").exists()


def _the_vendor_was_given_a_signed_address(vendors: Vendors, oss: OssEmulator) -> None:
    """Wanx fetches the cut-out by an address that outlasts a day in its queue."""
    submitted = [
        json.loads(seen.body) for seen in vendors["dashscope"].seen if seen.place == "submit" and seen.body
    ]
    addresses = [body["input"]["base_image_url"] for body in submitted if "base_image_url" in body["input"]]
    assert addresses
    for address in addresses:
        parts = urlsplit(address)
        query = parse_qs(parts.query)
        assert f"{parts.scheme}://{parts.netloc}" == oss.base_url
        assert parts.path.startswith("/skuflow-rehearsal/shop/published/wanx/")
        assert query["x-oss-expires"] == ["86400"]
        assert query["x-oss-signature-version"] == ["OSS4-HMAC-SHA256"]
    fetched = {seen.path for seen in oss.seen if seen.place == "fetch"}
    assert {urlsplit(address).path for address in addresses} <= fetched
    assert not [seen for seen in vendors["dashscope"].seen if seen.place == "upload"]


async def _again_asks_nobody(path: Path, vendors: Vendors) -> None:
    """And OSS little: a catalog may hold many SKUs that are finished."""
    stored = len(vendors["oss"].seen)
    before, charged = len(vendors["dashscope"].seen) + len(vendors["kling"].seen), vendors.bill_micro()
    again = (await new_listings(str(path), WISHES)).kits[0]
    assert again.made == 0
    assert len(vendors["dashscope"].seen) + len(vendors["kling"].seen) == before
    assert vendors.bill_micro() == charged
    asked = [seen.place for seen in vendors["oss"].seen[stored:]]
    assert "put" not in asked
    assert len(asked) <= 12


def _the_kit_can_be_exported(kit: Kit, wiring: Wiring, out: Path) -> None:
    assert export_kit(kit, wiring.store, out)
    for named in kit.files:
        assert hashlib.sha256((out / "mug-1" / named.file).read_bytes()).hexdigest() == named.sha256
    assert not export_kit(kit, wiring.store, out)


def _no_secret_is_kept(kit: Kit, oss: OssEmulator, wiring: Wiring, tmp_path: Path) -> None:
    secret = next(iter(oss.accounts.values())).secret
    told = [kit.model_dump_json(by_alias=True).encode()]
    told += [file.read_bytes() for file in wiring.settings.skuflow_home.rglob("*") if file.is_file()]
    assert not any(secret.encode() in text for text in told)
    assert not any(b"x-oss-signature=" in text for text in told)
