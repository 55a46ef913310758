"""What a page tells of a product: by one source, and by all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from skuflow.catalog.links.prices import Price


class Note(BaseModel):
    """Something to tell about the reading: a code of ``link_findings`` and the words for its message."""

    model_config = ConfigDict(frozen=True)

    code: str
    words: dict[str, str] = {}


class Picture(BaseModel):
    """One picture of the product: its addresses, the largest first."""

    model_config = ConfigDict(frozen=True)

    addresses: tuple[str, ...]


class PageProduct(BaseModel):
    """The product of a page, plain text throughout; what the page does not say is empty.

    ``sources`` says for each filled field which source filled it. ``address`` is the page's own (canonical) address.
    """

    model_config = ConfigDict(frozen=True)

    address: str
    sku: str
    title: str
    language: str
    brand: str = ""
    category: str = ""
    description: str = ""
    price: Decimal | None = None
    currency: str | None = None
    attributes: dict[str, str] = {}
    points: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    sources: dict[str, str] = {}
    notes: tuple[Note, ...] = ()


class PageTrouble(Exception):  # noqa: N818 - it is not a slip of the program, but what the page is
    """No product can be read from a page; ``message`` says in one sentence what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class ImageLink:
    """An address as a page writes it, and how wide the picture behind it is said to be, 0 where nothing is said."""

    address: str
    width_px: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """What one source tells; ``list_price`` is the price before a reduction. ``sold_out`` where nothing is on offer."""

    source: str
    title: str = ""
    brand: str = ""
    sku: str = ""
    category: str = ""
    description: str = ""
    price: Price | None = None
    list_price: Price | None = None
    currency: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    points: tuple[str, ...] = ()
    images: tuple[ImageLink, ...] = ()
    notes: tuple[Note, ...] = ()
    sold_out: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page stands. ``address`` gave it, ``base`` completes its links, ``canonical`` is what it calls itself,
    ``asked`` the address as a person named it. ``language`` is what the page declares, with its region.
    """

    address: str
    base: str
    canonical: str
    asked: str
    language: str = ""
    headline: str = ""
