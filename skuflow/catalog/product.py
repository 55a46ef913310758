"""What a product is, once a catalog row has been understood."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from skuflow.catalog.extras import ExtraWishes


class ProductSource(BaseModel):
    """Where a product was read: the catalog as named by the user, and the row (1 = first data row)."""

    model_config = ConfigDict(frozen=True)

    catalog: str
    row: int | None = None


class Product(BaseModel):
    """One SKU as understood from its catalog row. Text is kept in the language it came in; nothing is translated.

    ``titles`` and ``selling_points`` are keyed by BCP 47 language ("zh", "en", "es"); ``attributes`` keep the
    row's order and names; ``images`` are absolute paths or storage keys, first = source photo of the main image.
    ``extras`` are parts that the row asks for besides the usual ones.
    ``kind`` is the product kind found by ``skuflow.catalog.kinds`` ("mug", "desk_lamp"), None when unknown.
    """

    model_config = ConfigDict(frozen=True)

    sku: str = Field(min_length=1)
    titles: dict[str, str]
    category: str = ""
    kind: str | None = None
    brand: str = ""
    price: Decimal | None = None
    currency: str | None = None
    attributes: dict[str, str] = Field(default_factory=dict)
    selling_points: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    target_markets: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    description: str = ""
    style: str | None = None
    extras: ExtraWishes = ExtraWishes()
    source: ProductSource

    @property
    def title(self) -> str:
        """The title to show to a person: Chinese, else English, else the first there is."""
        return self.titles.get("zh") or self.titles.get("en") or next(iter(self.titles.values()), self.sku)

    def facts_digest(self) -> str:
        """Hex SHA-256 of everything that copy may state; equal for equal facts, whatever file they came from."""
        facts = self.model_dump(
            mode="json",
            include={
                "sku",
                "titles",
                "category",
                "kind",
                "brand",
                "attributes",
                "selling_points",
                "description",
            },
        )
        return hashlib.sha256(json.dumps(facts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
