"""True sizes from attributes."""

from __future__ import annotations

import pytest

from skuflow.catalog.dimensions import product_size_cm
from skuflow.catalog.product import Product, ProductSource


def size(**attributes: str) -> tuple[float | None, float | None]:
    product = Product(
        sku="A", titles={"en": "x"}, attributes=attributes, source=ProductSource(catalog="test")
    )
    return product_size_cm(product)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"尺寸": "杯口 8.4 cm × 高 9.5 cm"}, (None, 9.5)),
        ({"尺寸": "底座 16 cm，最大高度 45 cm", "线长": "1.8 m"}, (None, 45)),
        ({"收纳尺寸": "16 × 16 × 92 cm", "展开尺寸": "52 × 52 × 91 cm", "座高": "43 cm"}, (52, 91)),
        ({"尺寸": "直径 7.3 cm × 高 29 cm"}, (7.3, 29)),
        ({"尺寸": "28 × 31 × 31 cm"}, (28, 31)),
        ({"线长": "1.2 m", "尺寸": "5.0 × 5.0 × 5.6 cm"}, (5.0, 5.6)),
        ({"尺寸": "45 × 45 cm"}, (45, 45)),
        ({"尺寸": "直径 12.6 cm，高 15.5 cm"}, (12.6, 15.5)),
        ({"盆径": "15 cm", "盆高": "13 cm", "整体高度": "约 38 cm"}, (None, 38)),
        ({"盆径": "15 cm"}, (15, None)),
        ({"尺寸": "30 × 20 × 10 cm", "整体尺寸": "32 × 20 × 12 cm"}, (32, 12)),
        ({"width": "13.8in", "height": "15.7in", "depth": "11.8in"}, (35.05, 39.88)),
        ({"Width": '2"', "Height": "0.5 ft"}, (5.08, 15.24)),
        ({"size.width": "13 in", "size.height": "10 in"}, (33.02, 25.4)),
        ({"产品尺寸": "1400/1600*820*750mm"}, (140, 75)),
        ({"尺寸": "200*230cm/220*240cm"}, (200, 230)),
        ({"规格尺寸": "S 145*133*75mm\nM 187*172*97mm"}, (14.5, 7.5)),
        ({"圆形尺寸": "Φ34*3cm"}, (34, 3)),
        ({"尺寸": "长30cm宽20cm高10cm"}, (30, 10)),
        ({"Dimensions": '11.8"D x 15.7"W x 13.8"H'}, (39.88, 35.05)),
        ({"Size": '12" x 8"'}, (30.48, 20.32)),
        ({"Size": "12″ x 8″"}, (30.48, 20.32)),
        ({"Size": "12′′ x 8''"}, (30.48, 20.32)),
        ({"Dimensions": "11.8″D x 15.7″W x 13.8″H"}, (39.88, 35.05)),
        ({"Height (″)": "12"}, (None, 30.48)),
        ({"Size (cm)": "45x30"}, (45, 30)),
        ({"height_cm": "12"}, (None, 12)),
        ({"高度": "30–45 cm"}, (None, 45)),
        ({"高度": "1.2米"}, (None, 120)),
        ({"尺寸": "45 × 30"}, (None, None)),
        ({"尺寸": "M"}, (None, None)),
        ({"重量": "365 g", "容量": "380 ml", "功率": "9 W"}, (None, None)),
        ({"长度": "81cm"}, (None, None)),
        ({"包装尺寸": "40 × 40 × 40 cm", "Screen size": "6.1 in"}, (None, None)),
        ({"尺寸": "0 × 0 cm"}, (None, None)),
        ({"尺寸": "99999 × 99999 m"}, (None, None)),
        ({"尺寸": "x" * 100_000}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_width_and_height(attributes: dict[str, str], expected: tuple[float | None, float | None]) -> None:
    assert size(**attributes) == pytest.approx(expected)
