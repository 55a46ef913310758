"""A product with text in Chinese, and requests for its copy, for the tests of what language models are asked."""

from __future__ import annotations

from decimal import Decimal

from skuflow.catalog.product import Product, ProductSource
from skuflow.jobs.contract import CopyRequest, Slot


def product(**changes: object) -> Product:
    base: dict[str, object] = {
        "sku": "CHR-1",
        "titles": {"zh": "便携折叠露营椅", "en": "Folding Camping Chair"},
        "category": "户外/露营家具",
        "brand": "Dume",
        "price": Decimal("159.00"),
        "currency": "CNY",
        "attributes": {"材质": "600D 牛津布", "承重": "120 kg", "颜色": "砖红"},
        "selling_points": {"zh": ("三秒展开，收纳方便", "网布杯架，饮料随手放")},
        "source": ProductSource(catalog="test", row=1),
    }
    return Product.model_validate(base | changes)


def copy_request(
    language: str = "en",
    marketplace: str = "aliexpress",
    *,
    model: str = "",
    shots: int = 3,
    of: Product | None = None,
) -> CopyRequest:
    return CopyRequest(
        slot=Slot("CHR-1", "copy", language=language, marketplace=marketplace),
        product=of or product(),
        language=language,
        marketplace=marketplace,
        model=model,
        shots=shots,
    )
