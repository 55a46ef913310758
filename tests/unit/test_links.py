"""A link becomes a product with photos, or one sentence that says what to do."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from skuflow.catalog.errors import CatalogError
from skuflow.catalog.links import read_link
from skuflow.catalog.links.confined import MOST_S, PageJob, understand_confined
from skuflow.catalog.links.failures import sentence, shown
from skuflow.catalog.links.link_findings import LINK_FINDINGS
from skuflow.catalog.links.photo_files import LEAST_SIDE_PX, MAX_PHOTO_BYTES, MAX_PHOTOS
from skuflow.catalog.links.reading import MAX_PAGE_BYTES, in_own_loop, read_link_with
from skuflow.catalog.links.told import PageTrouble
from skuflow.catalog.readers import CatalogReading
from skuflow.fetching.addresses import WEB_PORTS
from skuflow.fetching.errors import FetchError, Trouble
from skuflow.fetching.web import MAX_REDIRECTS, Web
from skuflow.listing.findings import Finding, Severity
from tests.unit.little_shop import Shop, little_shop, picture, product_page, understand_here
from tests.unit.test_fetching_addresses import listeners
from tests.unit.test_fetching_web import Names
from tests.unit.test_links_page import SHOPIFY

MUG: dict[str, Any] = {
    "name": "Ceramic Mug", "sku": "M-1", "brand": "Claywork", "category": "Cups", "description": "Stoneware.",
    "color": "Blue", "offers": {"price": "12.90", "priceCurrency": "EUR"}, "image": ["{base}/a.jpg"],
}  # fmt: skip


@pytest.fixture
def shop() -> Iterator[Shop]:
    with little_shop() as served:
        yield served


def read(address: str, folder: Path, web: Web | None = None) -> CatalogReading:
    reading = read_link_with(address, folder, web or Web(allow_loopback=True, most_s=20), understand_here)
    return in_own_loop(reading)


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


def test_a_link_becomes_a_product_as_a_catalog_gives_it(shop: Shop, tmp_path: Path) -> None:
    shop.photo("/a.jpg", 1200, 1000)
    address = shop.page("/mug", product_page(MUG))
    reading = read_link(address, tmp_path, allow_loopback=True)
    (product,) = reading.products
    assert (product.sku, product.titles, product.brand, product.kind) == (
        "M-1",
        {"en": "Ceramic Mug"},
        "Claywork",
        "mug",
    )
    assert (str(product.price), product.currency, product.attributes) == ("12.90", "EUR", {"color": "Blue"})
    assert product.source.catalog == reading.source == address
    assert product.target_markets == ()
    assert reading.findings_by_sku == {"M-1": reading.findings}
    assert (reading.rejected, reading.loose_findings) == ((), ())
    assert codes(reading.findings) == ["LINK_READ", "LINK_FIELDS_MISSING"]
    assert reading.findings[1].measured == "selling points"
    photo = Path(product.images[0])
    assert photo.parent == tmp_path / "M-1"
    assert photo.read_bytes() == shop.pages["/a.jpg"].body
    record = json.loads(reading.row_file.read_text(encoding="utf-8"))
    assert record["sources"]["title"] == "JSON-LD"
    assert record["photos"][0]["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()


async def test_a_link_can_be_read_while_a_loop_runs(shop: Shop, tmp_path: Path) -> None:
    shop.photo("/a.jpg")
    reading = read(shop.page("/mug", product_page(MUG)), tmp_path)
    assert reading.products[0].sku == "M-1"


def test_the_same_page_gives_the_same_product(shop: Shop, tmp_path: Path) -> None:
    for at in range(4):
        shop.photo(f"/{at}.jpg", seed=at)
    address = shop.page("/mug", product_page(MUG | {"image": [f"{{base}}/{at}.jpg" for at in range(4)]}))
    first, second = read(address, tmp_path / "1"), read(address, tmp_path / "2")
    names = [[Path(image).name for image in reading.products[0].images] for reading in (first, second)]
    assert names[0] == names[1]
    assert len(names[0]) == 4
    assert first.findings == second.findings


def test_photos_stand_in_the_order_of_the_page_each_once_in_its_largest_size(
    shop: Shop, tmp_path: Path
) -> None:
    shop.photo("/front.jpg", 400, 400, seed=1)
    shop.photo("/back.jpg", 900, 900, seed=2)
    shop.photo("/front-again.jpg", 1200, 1200, seed=1)
    shop.photo("/copy.jpg", 900, 900, seed=2)
    images = [f"{{base}}/{name}.jpg" for name in ("front", "back", "front-again", "copy")]
    product = read(shop.page("/mug", product_page(MUG | {"image": images})), tmp_path).products[0]
    assert [Path(image).read_bytes() for image in product.images] == [
        shop.pages["/front-again.jpg"].body,
        shop.pages["/back.jpg"].body,
    ]
    assert len(list((tmp_path / "M-1").glob("*.jpg"))) == 2


def test_more_photos_than_are_kept_are_told(shop: Shop, tmp_path: Path) -> None:
    count = MAX_PHOTOS + 2
    for at in range(count):
        shop.photo(f"/{at}.jpg", 300, 300, seed=at * 3 + 1)
    images = [f"{{base}}/{at}.jpg" for at in range(count)]
    reading = read(shop.page("/mug", product_page(MUG | {"image": images})), tmp_path)
    kept = len(reading.products[0].images)
    assert kept == MAX_PHOTOS
    assert "LINK_PHOTOS_MORE" in codes(reading.findings)
    assert len(list((tmp_path / "M-1").glob("*.jpg"))) == MAX_PHOTOS


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
        (b"<html>not found</html>", "no picture"),
        (b"MZ\x90\0 a program", "no picture"),
        (b"", "no picture"),
        (picture(900, LEAST_SIDE_PX - 1), "icon"),
        (picture(1, 1), "icon"),
        (picture()[:3000], "no picture that can be decoded"),
        (b"\xff\xd8\xff" + b"\0" * 500, "no picture that can be decoded"),
        (
            b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0\1\0\0" * 2 + b"\x08\2\0\0\0" + b"\0" * 20,
            "pict|megapixels",
        ),
    ],
)
def test_a_photo_that_is_none_is_left_out_with_its_reason(
    shop: Shop, tmp_path: Path, body: bytes, reason: str
) -> None:
    shop.answer("/bad.jpg", 200, body, Content_Type="image/jpeg")
    shop.photo("/a.jpg")
    page = product_page(MUG | {"image": ["{base}/bad.jpg", "{base}/a.jpg"]})
    reading = read(shop.page("/mug", page), tmp_path)
    assert len(reading.products[0].images) == 1
    (refused,) = [finding for finding in reading.findings if finding.code == "LINK_PHOTO_REFUSED"]
    assert re.search(reason, refused.message)
    assert refused.severity is (Severity.INFO if reason == "icon" else Severity.WARNING)
    assert "{" not in refused.message + refused.message_zh


def test_a_photo_at_the_least_size_is_kept(shop: Shop, tmp_path: Path) -> None:
    shop.photo("/a.jpg", LEAST_SIDE_PX, LEAST_SIDE_PX)
    assert len(read(shop.page("/mug", product_page(MUG)), tmp_path).products[0].images) == 1


def test_a_smaller_size_stands_in_for_one_that_is_gone(shop: Shop, tmp_path: Path) -> None:
    shop.photo("/a_400x400.jpg", 400, 400)
    page = product_page(MUG | {"image": ["{base}/a.jpg", "{base}/a_400x400.jpg"]})
    reading = read(shop.page("/mug", page), tmp_path)
    assert Path(reading.products[0].images[0]).read_bytes() == shop.pages["/a_400x400.jpg"].body


def test_photos_that_lead_inside_are_never_asked_for(tmp_path: Path) -> None:
    with listeners() as (port, taken):
        inside = [
            f"http://{host}:{port}/a.jpg"
            for host in (
                "127.0.0.1",
                "localhost",
                "[::1]",
                "0x7f.1",
                "2130706433",
                "127.0.0.1.",
                "[::ffff:127.0.0.1]",
            )
        ]
        page = product_page(MUG | {"image": [*inside, "http://shop.example/a.jpg"]})

        def react(request: httpx.Request) -> httpx.Response:
            body = picture() if request.url.path == "/a.jpg" else page.encode()
            return httpx.Response(200, stream=httpx.ByteStream(body))

        async def resolve(host: str, port: int) -> tuple[str, ...]:
            from skuflow.fetching.resolving import resolve_host

            return ("93.184.216.34",) if host == "shop.example" else await resolve_host(host, port)

        web = Web(resolve=resolve, transport=httpx.MockTransport(react))
        reading = read("http://shop.example/mug", tmp_path, web)
        assert taken == []
    assert len(reading.products[0].images) == 1
    refused = [finding for finding in reading.findings if finding.code == "LINK_PHOTO_REFUSED"]
    assert len(refused) == len(inside)


def test_the_json_beside_a_shopify_page_is_asked_for_once(shop: Shop, tmp_path: Path) -> None:
    shop.photo("/a.jpg")
    product = SHOPIFY["product"] | {"images": [{"src": f"{shop.base}/a.jpg"}]}
    shop.json("/products/mug-one.json", {"product": product})
    page = '<html><script src="https://cdn.shopify.com/x.js"></script><body><h1>Mug One</h1></body></html>'
    reading = read(shop.page("/products/mug-one?variant=2", page), tmp_path)
    assert reading.products[0].sku == "M-B"
    assert shop.paths == ["/products/mug-one?variant=2", "/products/mug-one.json", "/a.jpg"]


def test_pages_of_other_shops_are_not_asked_for_json(shop: Shop, tmp_path: Path) -> None:
    shop.photo("/a.jpg")
    read(shop.page("/products/mug", product_page(MUG)), tmp_path)
    assert shop.paths == ["/products/mug", "/a.jpg"]


def test_a_shopify_page_is_read_without_its_json_too(shop: Shop, tmp_path: Path) -> None:
    shop.photo("/a.jpg")
    page = product_page(MUG, head='<script src="https://cdn.shopify.com/x.js"></script>')
    shop.page("/products/mug.js", "<html>sorry")
    assert read(shop.page("/products/mug", page), tmp_path).products[0].sku == "M-1"
    assert shop.paths[1:3] == ["/products/mug.json", "/products/mug.js"]


def test_a_redirect_to_another_page_is_told(shop: Shop, tmp_path: Path) -> None:
    shop.photo("/a.jpg")
    shop.page("/mug", product_page(MUG))
    reading = read(shop.answer("/old-mug", 301, Location="/mug"), tmp_path)
    assert "LINK_REDIRECTED" in codes(reading.findings)
    assert reading.products[0].source.catalog.endswith("/old-mug")


def test_every_finding_of_a_page_is_a_whole_sentence(shop: Shop, tmp_path: Path) -> None:
    for at in range(MAX_PHOTOS + 1):
        shop.photo(f"/{at}.jpg", 300, 300, seed=at * 3 + 1)
    images = [f"{{base}}/{at}.jpg" for at in range(MAX_PHOTOS + 1)]
    offers = [{"sku": f"{{M}}-{at}", "price": at, "priceCurrency": "EUR"} for at in (1, 2)]
    head = (
        '<script type="application/ld+json">{broken</script><meta property="product:price:amount" content="9">'
        '<meta property="product:price:currency" content="EUR">'
    )
    page = product_page({"name": "Mug", "image": ["{base}/none.jpg", *images], "offers": offers}, head=head)
    shop.page("/new", page)
    one = read(shop.answer("/old", 302, Location="/new"), tmp_path)
    shop.page("/new", product_page({"name": "Mug", "image": images[0]}))
    other = read(f"{shop.base}/new", tmp_path)
    findings = (*one.findings, *other.findings)
    assert {finding.code for finding in findings} == set(LINK_FINDINGS)
    for finding in findings:
        for message in (finding.message, finding.message_zh):
            assert not re.search(r"\{(?!M)", message)
            assert re.search("[;；]", message)


def test_a_title_is_shown_without_what_nobody_can_see(shop: Shop, tmp_path: Path) -> None:
    shop.photo("/a.jpg")
    name = "Cera\u200bmic\u202e Mug\x07\u2066 \U000e0041\ufe0f\ud800Blue\u00ad"
    product = read(shop.page("/mug", product_page(MUG | {"name": name})), tmp_path).products[0]
    assert product.titles == {"en": "Ceramic Mug Blue"}


def test_a_sku_of_a_page_cannot_leave_its_folder(shop: Shop, tmp_path: Path) -> None:
    shop.photo("/a.jpg")
    for at, sku in enumerate(["../../etc/passwd", "..", "/etc", "C:\\x", "a/../../b", "con", "x" * 119]):
        reading = read(shop.page(f"/{at}", product_page(MUG | {"sku": sku})), tmp_path / "in")
        path = Path(reading.products[0].images[0])
        assert path.parent.parent == tmp_path / "in"
    assert [entry.name for entry in tmp_path.iterdir()] == ["in"]


def refusal(address: str, folder: Path, web: Web | None = None) -> str:
    with pytest.raises(CatalogError) as caught:
        read(address, folder, web)
    message = caught.value.message
    assert "\n" not in message
    assert len(message) < 400
    assert ";" in message
    assert "Traceback" not in message
    return message


Serve = Callable[[Shop], str]


def page(text: str, **headers: str) -> Serve:
    return lambda shop: shop.page("/p", text, **headers)


def answer(status: int, body: bytes = b"", **headers: str) -> Serve:
    return lambda shop: shop.answer("/p", status, body, **headers)


def title(text: str) -> Serve:
    return page(f"<html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>")


def json_of(value: Any) -> Serve:
    return lambda shop: shop.json("/p.json", value)


BAD: dict[str, tuple[Serve | str, str]] = {
    "no address": ("shop", "no plain http"),
    "no host": ("https://", "no plain http"),
    "ftp": ("ftp://shop.example/x", "no plain http"),
    "file": ("file:///etc/passwd", "no plain http"),
    "javascript": ("javascript:alert(1)", "no plain http"),
    "spaces": ("https://shop.example/a b", "no plain http"),
    "two addresses": ("https://a.example/x https://b.example/y", "no plain http"),
    "too long": ("https://shop.example/" + "a" * 5000, "no plain http"),
    "short ip": ("http://127.1/x", "no plain http"),
    "decimal ip": ("http://2130706433/x", "no plain http"),
    "credentials": ("https://me:secret@shop.example/x", "user name or password"),
    "metadata": ("http://169.254.169.254/latest/meta-data/", "private network"),
    "lan": ("http://192.168.1.10/shop", "private network"),
    "lan name": ("http://shop.local/x", "private network"),
    "ipv6 lan": ("http://[fd00::1]/x", "private network"),
    "mapped": ("http://[::ffff:10.0.0.1]/x", "private network"),
    "ssh port": ("http://8.8.8.8:22/x", "port"),
    "401": (answer(401), "login"),
    "402": (answer(402), "payment"),
    "403": (answer(403, b"<html>Access Denied"), "does not let programs"),
    "404": (answer(404), "no such page"),
    "405": (answer(405), "HTTP 405"),
    "410": (answer(410), "gone"),
    "418": (answer(418), "HTTP 418"),
    "429": (answer(429), "429"),
    "451": (answer(451), "451"),
    "500": (answer(500), "HTTP 500"),
    "502": (answer(502, b"<html>Bad gateway"), "HTTP 502"),
    "503": (answer(503), "503"),
    "204": (answer(204), "HTTP 204"),
    "300": (answer(300), "HTTP 300"),
    "redirect to nowhere": (answer(302), "HTTP 302"),
    "redirect inside": (answer(302, b"", Location="http://10.0.0.1/"), "private network"),
    "redirect to file": (answer(302, b"", Location="file:///etc/passwd"), "no plain http"),
    "redirect round": (answer(302, b"", Location="/p"), "leads on too often"),
    "br": (answer(200, b"x", Content_Encoding="br"), "packed"),
    "broken gzip": (answer(200, b"x", Content_Encoding="gzip"), "damaged"),
    "bomb": (answer(200, gzip.compress(bytes(6 * 2**20)), Content_Encoding="gzip"), "unpacks"),
    "too large": (answer(200, b"<html>" + bytes(5 * 2**20)), "too large"),
    "empty": (answer(200, b""), "empty"),
    "white": (answer(200, b" \n "), "empty"),
    "a photo": (answer(200, picture()), "a picture's"),
    "an svg": (answer(200, b"<svg xmlns='x'></svg>"), "a picture's"),
    "a pdf": (answer(200, b"%PDF-1.7"), "no page"),
    "a zip": (answer(200, b"PK\x03\x04\0\0"), "no page"),
    "zeros": (answer(200, bytes(1000)), "no page"),
    "plain text": (answer(200, b"hello world"), "no page"),
    "start page": (answer(301, b"", Location="/"), "start page"),
    "no product": (title("About us"), "no product was found"),
    "article": (page("<html><head><meta property='og:type' content='article'></head><h1>News</h1>"), "no product"),
    "guarded": (title("Just a moment..."), "whether a person is looking"),
    "robot check": (title("Robot Check"), "whether a person is looking"),
    "captcha": (page("<html><body><div class='g-captcha'></div></body></html>"), "whether a person is looking"),
    "login": (page("<html><h1>Sign in</h1><input type='password'></html>"), "login page"),
    "soft 404": (title("404 - Page not found"), "no such page"),
    "untitled": (page(product_page({"sku": "M-1", "image": "/a.jpg"})), "no product title"),
    "blank title": (page(product_page({"name": "\u200b \u202e", "image": "/a.jpg"})), "no product title"),
    "several": (page(product_page(None, body="".join(
        f'<script type="application/ld+json">{{"@type": "Product", "name": "{name}"}}</script>' for name in "ABC"
    ))), "shows 3 products"),
    "no photo": (page(product_page({"name": "Mug"})), "no photo"),
    "photos gone": (page(product_page({"name": "Mug", "image": ["/x.jpg", "/y.jpg"]})), "no photo"),
    "json list": (json_of([]), "JSON without a product"),
    "json words": (json_of({"error": "x"}), "JSON without a product"),
    "json numbers": (json_of([1, 2, 3]), "JSON without a product"),
    "damaged json": (answer(200, b'{"product": {"title": "Mug", '), "damaged"),
    "deep json": (answer(200, b"[" * 200_000), "damaged"),
    "json of many": (json_of([{"title": "x", "handle": str(n), "variants": []} for n in range(9)]), "gives 9 products"),
    "shopify without photos": (json_of({"product": SHOPIFY["product"] | {"images": []}}), "no photo"),
    "shopify with odd parts": (
        json_of({"product": {"title": None, "handle": [], "variants": [7, None]}}), "no product title",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_link_that_gives_no_product_is_one_sentence(shop: Shop, tmp_path: Path, case: str) -> None:
    serve, words = BAD[case]
    shop.page("/", product_page(MUG))
    address = serve if isinstance(serve, str) else serve(shop)
    message = refusal(address, tmp_path)
    assert words in message
    assert "secret" not in message


def test_there_are_as_many_bad_links_as_promised() -> None:
    assert len(BAD) >= 60


def test_an_unknown_host_and_a_closed_port_have_their_sentences(tmp_path: Path) -> None:
    async def nowhere(host: str, port: int) -> tuple[str, ...]:
        raise OSError

    assert "no such host" in refusal("https://shop.example/x", tmp_path, Web(resolve=nowhere))
    web = Web(resolve=Names(("93.184.216.34",)), transport=httpx.MockTransport(_refuse))
    assert "cannot be reached" in refusal("https://shop.example/x", tmp_path, web)


def _refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def test_every_trouble_has_its_sentence() -> None:
    for trouble in Trouble:
        assert ";" in sentence(FetchError(trouble, "x", 418 if trouble is Trouble.STATUS else None))


def test_this_machine_is_no_shop_unless_a_test_says_so(shop: Shop, tmp_path: Path) -> None:
    address = shop.page("/mug", product_page(MUG))
    with pytest.raises(CatalogError, match="private network"):
        read_link(address, tmp_path)
    assert shop.asked == []


def test_a_folder_that_cannot_be_written_is_one_sentence(shop: Shop, tmp_path: Path) -> None:
    shop.photo("/a.jpg")
    (tmp_path / "file").write_text("x")
    assert "cannot be written" in refusal(shop.page("/mug", product_page(MUG)), tmp_path / "file")


def test_findings_say_what_to_do_in_two_languages() -> None:
    for severity, message, message_zh in LINK_FINDINGS.values():
        assert severity
        assert message != message_zh
        assert any("\u4e00" <= character <= "\u9fff" for character in message_zh)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://me:pw@shop.example/p?token=1#x", "https://shop.example/p"),
        ("shop?token=1", "shop"),
        ("https://[", "https://["),
        ("https://shop.example/\x1b[31m\u202e", "https://shop.example/_[31m_"),
    ],
)
def test_addresses_are_shown_without_secrets(address: str, said: str) -> None:
    assert shown(address) == said
    assert len(shown("https://shop.example/" + "a" * 999)) == 160


def test_limits_stand_in_the_documentation_as_in_the_source() -> None:
    text = (Path(__file__).parents[2] / "docs" / "links.md").read_text(encoding="utf-8")
    assert f"| page, unpacked | {MAX_PAGE_BYTES // 2**20} MiB |" in text
    assert f"| photo | {MAX_PHOTO_BYTES // 2**20} MiB, " in text
    assert f"| redirects | {MAX_REDIRECTS} |" in text
    assert f"at most {MAX_PHOTOS}, in the page's order" in text
    assert f"below {LEAST_SIDE_PX} px" in text
    assert "ports {}, {}, {} and {}".format(*sorted(WEB_PORTS)) in text
    assert f"| {MOST_S:.0f} s, in a process of its own" in text


def job(text: str) -> PageJob:
    return PageJob(text=text, address="https://shop.example/p", asked="https://shop.example/p")


def test_a_page_is_understood_in_a_process_of_its_own() -> None:
    assert understand_confined(job(product_page(MUG | {"name": "Mug \ud800 杯"}))).title == "Mug 杯"
    with pytest.raises(PageTrouble, match="no product was found"):
        understand_confined(job("<html><title>x</title>"))


def test_a_page_that_is_made_to_be_slow_is_given_up() -> None:
    slow = "<html><body>" + "<div>" * 400_000 + product_page(MUG)
    with pytest.raises(PageTrouble, match="more than 2 s"):
        understand_confined(job(slow), most_s=2)


def test_a_process_that_falls_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skuflow.catalog.links.confined.sys.executable", "/bin/false")
    with pytest.raises(PageTrouble, match="cannot be read"):
        understand_confined(job("<html>"))
