"""A shop on loopback for tests of links: pages by path, pictures drawn here, and a list of what was asked."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image, ImageDraw

from skuflow.catalog.links.confined import PageJob
from skuflow.catalog.links.page import understand
from skuflow.catalog.links.told import PageProduct


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"})


@dataclass(slots=True)
class Shop:
    """``pages`` by path with query; "{base}" in text stands for the shop's own address. Others answer 404."""

    base: str = ""
    pages: dict[str, Reply] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def page(self, path: str, text: str, **headers: str) -> str:
        shown = {"Content-Type": "text/html; charset=utf-8"} | {
            k.replace("_", "-"): v for k, v in headers.items()
        }
        self.pages[path] = Reply(200, text.replace("{base}", self.base).encode(), shown)
        return self.base + path

    def json(self, path: str, value: Any) -> str:
        return self.page(path, json.dumps(value), Content_Type="application/json")

    def photo(self, path: str, width: int = 900, height: int = 900, seed: int = 0, form: str = "JPEG") -> str:
        self.pages[path] = Reply(200, picture(width, height, seed, form), {"Content-Type": "image/jpeg"})
        return self.base + path

    def answer(self, path: str, status: int, body: bytes = b"", **headers: str) -> str:
        self.pages[path] = Reply(
            status, body, {name.replace("_", "-"): text for name, text in headers.items()}
        )
        return self.base + path

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


def picture(width: int = 900, height: int = 900, seed: int = 0, form: str = "JPEG") -> bytes:
    """A picture of a box on white; another ``seed`` has another box and another colour."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    left = 0.1 + 0.05 * (seed % 5)
    box = (left * width, 0.2 * height, (left + 0.5) * width, (0.5 + 0.04 * (seed % 7)) * height)
    draw.rectangle(box, fill=(40 * seed % 256, 90 * seed % 256, 150))
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


@contextmanager
def little_shop() -> Iterator[Shop]:
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shop.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            reply = shop.pages.get(self.path, Reply(404, b"<html><title>Not found</title></html>"))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in reply.headers:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A reader that has seen enough hangs up."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    shop.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()


def understand_here(job: PageJob) -> PageProduct:
    """What the process of a page does, without the process."""
    return understand(job.text, job.address, job.asked, job.shopify_json)


def product_page(
    product: Mapping[str, Any] | None = None, *, head: str = "", body: str = "", lang: str = "en"
) -> str:
    """A page with a product as JSON-LD, and more."""
    data = json.dumps({"@context": "https://schema.org", "@type": "Product", **product}) if product else ""
    script = f'<script type="application/ld+json">{data}</script>' if product else ""
    return f'<!doctype html><html lang="{lang}"><head>{head}{script}</head><body>{body}</body></html>'


Served = Callable[[Shop], str]
