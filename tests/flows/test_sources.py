"""Links, names and remote photos on the command line and in a flow, as far as loopback goes."""

from __future__ import annotations

import csv
import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flows.cli import main
from flows.new_listings import new_listings
from flows.wishes import Wishes
from skuflow.catalog.names import concept_sku
from skuflow.listing.brief import Stage
from skuflow.listing.kit import KitStatus
from skuflow.storage.keys import kit_key
from tests.flows.conftest import CLOCK, MUG, PHOTOS, MakeCatalog, MakeWiring
from tests.flows.emulated import emulated

Skuflow = Callable[..., tuple[int, str, str]]


class Shop:
    """A web server with the sample photos and ``pages``; ``asked`` are the paths it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.pages: dict[str, bytes] = {}
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shop.asked.append(self.path)
                photo = PHOTOS / Path(self.path).name
                body = shop.pages.get(self.path) or (photo.read_bytes() if photo.is_file() else b"")
                self.send_response(200 if body else 404)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def web_shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.close()


@pytest.fixture
def skuflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Skuflow:
    """The command line in this process: status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SKUFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SKUFLOW_TEXT_DETECTION", "off")
    for variable in ("SKUFLOW_PROVIDERS", "SKUFLOW_CATALOG", "SKUFLOW_ROUTES", "PREFECT_API_URL"):
        monkeypatch.delenv(variable, raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["skuflow", *arguments])
        capsys.readouterr()
        try:
            main()
        except SystemExit as ended:
            told = capsys.readouterr()
            return int(ended.code or 0), told.out, told.err
        raise AssertionError("a command ends with a status")

    return run


def remote_catalog(folder: Path, shop: Shop, *rows: dict[str, str]) -> Path:
    path = folder / "remote.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(MUG))
        writer.writeheader()
        writer.writerows({**row, "images": f"{shop.url}/{row['images']}"} for row in rows)
    return path


def test_photos_that_are_links_are_downloaded_for_a_check_and_not_for_a_plan(
    tmp_path: Path, skuflow: Skuflow, web_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = remote_catalog(tmp_path, web_shop, MUG, {**CLOCK, "images": "gone.jpg"})
    monkeypatch.setenv("SKUFLOW_ALLOW_LOOPBACK_LINKS", "true")
    status, out, _ = skuflow("plan", str(path), "--json")
    assert (status, json.loads(out)["skus"], web_shop.asked) == (0, 2, [])

    status, out, err = skuflow("check", str(path), "--json")
    assert status == 3
    assert "downloading 2 photos" in err
    found = {entry["sku"]: entry for entry in json.loads(out)}
    findings = found["clock-2"]["findings"]
    (missed,) = [finding for finding in findings if finding["code"] == "PHOTO_NOT_DOWNLOADED"]
    assert missed["severity"] == "error"
    (image,) = found["mug-1"]["product"]["images"]
    assert Path(image).read_bytes() == (PHOTOS / MUG["images"]).read_bytes()
    assert sorted(web_shop.asked) == ["/01_mug.jpg", "/gone.jpg"]

    status, _, err = skuflow("check", str(path), "--sku", "mug-1")
    assert (status, err) == (0, "")
    assert len(web_shop.asked) == 2, "what was downloaded once is kept"


def test_photos_on_this_machine_are_refused_without_the_tests_setting(
    tmp_path: Path, skuflow: Skuflow, web_shop: Shop
) -> None:
    path = remote_catalog(tmp_path, web_shop, MUG)
    status, out, _ = skuflow("check", str(path), "--json")
    assert (status, web_shop.asked) == (3, [])
    codes = [finding["code"] for entry in json.loads(out) for finding in entry["findings"]]
    assert "PHOTO_NOT_DOWNLOADED" in codes


def test_a_link_is_a_catalog(skuflow: Skuflow, web_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKUFLOW_ALLOW_LOOPBACK_LINKS", "true")
    facts = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": "Reactive-Glaze Ceramic Mug 380 ml",
        "sku": "mug-77",
        "image": f"{web_shop.url}/{MUG['images']}",
        "offers": {"@type": "Offer", "price": "12.50", "priceCurrency": "EUR"},
    }
    page = f"<html lang=en><script type='application/ld+json'>{json.dumps(facts)}</script><h1>Mug</h1></html>"
    web_shop.pages["/p/77"] = page.encode()
    status, out, err = skuflow("check", f"{web_shop.url}/p/77", "--json")
    found = {entry["sku"]: entry for entry in json.loads(out)}
    mug = found["mug-77"]["product"]
    assert (mug["titles"], mug["price"], mug["currency"]) == ({"en": facts["name"]}, "12.50", "EUR")
    assert Path(mug["images"][0]).is_file()
    assert (status, err) == (0, "")
    status, out, err = skuflow("check", f"{web_shop.url}/gone")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1


def test_a_name_is_looked_up_in_the_shops_catalog(
    skuflow: Skuflow, make_catalog: MakeCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKUFLOW_CATALOG", str(make_catalog(MUG, CLOCK)))
    status, out, _ = skuflow("check", "ceramic mug", "--json")
    assert status == 0
    mug, about = json.loads(out)
    assert (mug["sku"], about["sku"]) == ("mug-1", "")
    assert [finding["code"] for finding in about["findings"]] == ["NAME_MATCHED"]
    status, out, _ = skuflow("plan", "桌面闹钟", "--json")
    assert (status, json.loads(out)["skus"]) == (0, 1)
    status, out, err = skuflow("check", "garden hose")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert "garden hose" in err


@pytest.mark.usefixtures("prefect_server")
async def test_a_name_that_nobody_knows_becomes_a_concept_that_fits_no_marketplace(
    tmp_path: Path, make_wiring: MakeWiring
) -> None:
    name = "Mug in the shape of a cloud"
    with emulated("dashscope") as vendors:
        wiring = make_wiring(**vendors.settings("copy=offline;image=wanx;video=offline"))
        report = (await new_listings(name, Wishes(stages=[Stage.IMAGES], languages=["en"]))).kits[0]
        kit = report.kit
        assert kit is not None
        assert (report.sku, report.status) == (concept_sku(name), KitStatus.NEEDS_REVIEW), report.reasons
        assert [image.content_type for image in kit.images] == ["concept"]
        assert all(rendition.fits == () for image in kit.images for rendition in image.renditions)
        assert kit.images[0].role.value != "main"
        assert "IMAGE_CONCEPT" in {finding.code for finding in kit.images[0].findings}
        assert "NAME_CONCEPT" in {finding.code for finding in kit.findings}
        assert len(vendors["dashscope"].bill.entries) == 1
        again = (await new_listings(name, Wishes(stages=[Stage.IMAGES], languages=["en"]))).kits[0]
        assert (again.made, again.status) == (0, KitStatus.NEEDS_REVIEW)
        assert len(vendors["dashscope"].bill.entries) == 1
        assert wiring.store.exists(kit_key(concept_sku(name)))
