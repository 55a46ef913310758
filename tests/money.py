"""What the tests of the money path share: wishes, a ledger that is ready at once, and a clock that can be turned."""

from __future__ import annotations

import io
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from skuflow.catalog.product import Product, ProductSource
from skuflow.jobs.contract import CopyRequest, ImageRequest, Slot
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.migrate import upgrade
from skuflow.ledger.reservation import Reservation
from skuflow.storage.objects import StoredObject

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
"""Noon in Shanghai."""


class Clock:
    """Time as the test says; sleeping only turns it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


@cache
def _empty_ledger_bytes() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        upgrade(f"sqlite:///{path}")
        return path.read_bytes()


def sqlite_url(folder: Path) -> str:
    """An up-to-date ledger file; migrating once is enough."""
    path = folder / "ledger.db"
    if not path.exists():
        path.write_bytes(_empty_ledger_bytes())
    return f"sqlite:///{path}"


def open_ledger(folder: Path, **options: Any) -> Ledger:
    return Ledger.open(sqlite_url(folder), **options)


def product(sku: str = "MUG-1", **changes: Any) -> Product:
    values: dict[str, Any] = {
        "sku": sku,
        "titles": {"en": "Mug"},
        "attributes": {"Capacity": "350 ml"},
        "source": ProductSource(catalog="test.csv", row=1),
    }
    return Product(**{**values, **changes})


def stored(name: str) -> StoredObject:
    return StoredObject(f"photos/{name}.jpg", name.encode().hex().ljust(64, "0"), 10, "image/jpeg")


def image_wish(
    sku: str = "MUG-1", *, shot: int = 1, photo: str = "front", style: str = "kitchen", **more: Any
) -> ImageRequest:
    return ImageRequest(
        slot=Slot(sku, "image:scene", shot),
        product=product(sku),
        photo=stored(photo),
        cutout=stored("cutout"),
        style=style,
        sizes_px=((800, 800),),
        **more,
    )


def copy_wish(sku: str = "MUG-1", language: str = "es", **more: Any) -> CopyRequest:
    return CopyRequest(
        slot=Slot(sku, "copy", language=language, marketplace="aliexpress"),
        product=product(sku),
        language=language,
        marketplace="aliexpress",
        **more,
    )


def order(sku: str = "MUG-1", **changes: Any) -> Reservation:
    values: dict[str, Any] = {
        "slot": Slot(sku, "image:scene"),
        "capability": "image",
        "provider": "acme",
        "model": "acme-1",
        "paid": True,
        "fingerprint": "a" * 64,
        "estimated_micro": 200_000,
    }
    return Reservation(**{**values, **changes})


@cache
def png(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(out, "PNG")
    return out.getvalue()
